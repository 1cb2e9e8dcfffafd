// Cubes and the notebook: pages of a module of their own, which a first visit does not load.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { before, describe, test } from "node:test";

import { eventually } from "./api.mjs";
import { focused, useBrowser } from "./browser.mjs";
import { batch as nightly } from "./nightly.mjs";
import { useServerWithTraffic } from "./traffic.mjs";

const SCOPE = "scope=advertiser:acme";
const MARCH = `${SCOPE}&from=2026-03-01&to=2026-04-01&tz=UTC`;
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const WAIT_MS = 20_000;

const server = useServerWithTraffic();
const browser = useBrowser();

async function signedIn(t, path, options) {
  const dashboard = await browser.open(t, server, options);
  await dashboard.signIn(server.adminToken, path);
  return dashboard;
}

/** What the server answers. */
const answer = async (sql) => {
  const { status, json, text } = await server.admin.request("POST", "/v1/sql", { params: { scope: "advertiser:acme" }, body: { sql, tz: "UTC" } });
  assert.equal(status, 200, `${sql}\n${text}`);
  return json.rows;
};

/** Puts a statement into the first cell. */
async function write(dashboard, sql) {
  await dashboard.find("sql-text").first().fill(sql);
}

/** Runs the first cell, and waits for its end. */
async function run(dashboard, state = "answered") {
  await dashboard.find("sql-text").first().press("Control+Enter");
  await dashboard.page.locator(`[data-testid="cell-sql"][data-state="${state}"]`).first().waitFor();
}

/** The rows that are shown of the first answer, as texts. */
const shown = (dashboard) => dashboard.find("result").first().locator('[data-testid="result-row"]').evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
const texts = (rows) => rows.map((row) => row.map((cell) => (cell === null ? "NULL" : String(cell))));

describe("cubes", () => {
  before(() => nightly(server.admin, null, 120_000), { timeout: 180_000 });
  const cubes = async () => (await server.admin.get(`/v1/cubes?${SCOPE}`)).json.cubes;

  test("one is picked, estimated from the data, built, switched, built again, and deleted", async (t) => {
    const dashboard = await signedIn(t, `/cubes?${SCOPE}`);
    const { page } = dashboard;
    await dashboard.settled("cubes");
    await dashboard.find("state-empty").waitFor();
    await dashboard.find("new-cube").click();
    await dashboard.find("cube-wizard").waitFor();
    assert.ok(await dashboard.find("create-cube").isDisabled());
    for (const name of ["country", "campaign", "device"]) await dashboard.find(`pick-${name}`).click();
    await eventually(() => assert.equal(dashboard.query().get("new"), "campaign,country,device"), WAIT_MS);
    await dashboard.find("pick-device").click();
    await dashboard.find("pick-reach").click();
    // What is picked is in the address.
    await eventually(() => assert.deepEqual([dashboard.query().get("new"), dashboard.query().get("reach")], ["campaign,country", "1"]), WAIT_MS);
    await page.reload();
    const body = { dimensions: ["campaign", "country"], measures: ["reach"], grain: "day", tz: "UTC" };
    const estimate = (await server.admin.post(`/v1/cubes/estimate?${SCOPE}`, body)).json;
    assert.ok(estimate.cells > 10);
    await eventually(async () => assert.equal(Number(await dashboard.find("estimate-all").getAttribute("data-cells")), estimate.cells), WAIT_MS);
    const lines = await dashboard.find("estimate").evaluateAll((rows) => rows.map(({ dataset: { cuboid, cells } }) => [cuboid, Number(cells)]));
    assert.deepEqual(lines, estimate.cuboids.map(({ cuboid, cells }) => [cuboid.join(), cells]));
    assert.equal(await dashboard.find("cube-wizard").locator("thead td").count(), 0, "heads are heads");

    // A cuboid less.
    await dashboard.find("drop-cuboid").last().click();
    await eventually(async () => assert.ok(Number(await dashboard.find("estimate-all").getAttribute("data-cells")) < estimate.cells), WAIT_MS);
    assert.equal(await dashboard.find("cube-name").inputValue(), "day-campaign-country");
    await dashboard.find("cube-name").fill("Mine");
    assert.ok(await dashboard.find("create-cube").isDisabled());
    await dashboard.find("cube-name").fill("mine");
    await dashboard.find("create-cube").click();

    const row = page.locator('[data-testid="cube"][data-name="mine"]');
    await page.locator('[data-testid="cube"][data-name="mine"][data-state="succeeded"]').waitFor({ timeout: 60_000 });
    const [built] = await cubes();
    assert.deepEqual([built.stale_days, built.cuboids.length, built.measures], [0, 3, ["reach"]]);
    assert.equal(Number(await row.getAttribute("data-cells")), built.cells);
    assert.equal(dashboard.query().get("cube"), "mine");
    await eventually(async () => assert.equal(await dashboard.find("built-share").getAttribute("data-value"), "1"), WAIT_MS);
    assert.equal(await dashboard.find("cuboid").count(), 3);

    await dashboard.find("switch").click();
    await page.locator('[data-testid="cube"][data-name="mine"][data-state="off"]').waitFor();
    assert.equal((await cubes())[0].enabled, false);
    await dashboard.find("switch").click();
    await page.locator('[data-testid="cube"][data-name="mine"][data-state="succeeded"]').waitFor();
    await dashboard.find("refresh").click();
    await dashboard.find("build-run").waitFor();
    await eventually(async () => {
      const [again] = await cubes();
      assert.ok(again.stale_days === 0 && again.built > built.built, JSON.stringify(again));
    }, 60_000);
    // Asked first; Escape leaves it, and the focus is where it was.
    await dashboard.find("delete").press("Enter");
    await eventually(async () => assert.equal(await focused(page), "delete-not"), WAIT_MS);
    await page.keyboard.press("Escape");
    await eventually(async () => assert.equal(await focused(page), "delete"), WAIT_MS);
    assert.equal((await cubes()).length, 1);
    await dashboard.find("delete").click();
    await dashboard.find("delete-sure").click();
    await dashboard.find("state-empty").waitFor();
    assert.deepEqual(await cubes(), []);
  });

  test("what was asked often is recommended, and made from there", async (t) => {
    for (let i = 0; i < 30; i++) await answer("SELECT device, placement, SUM(clicks) FROM ad_stats GROUP BY device, placement");
    const dashboard = await signedIn(t, `/cubes?${SCOPE}`);
    const one = dashboard.page.locator('[data-testid="recommendation"][data-dimensions*="device"]').first();
    await one.waitFor();
    const dimensions = await one.getAttribute("data-dimensions");
    await dashboard.find("use-it", one).click();
    await eventually(() => assert.equal(dashboard.query().get("new"), dimensions), WAIT_MS);
    assert.ok(await dashboard.find("pick-device").isChecked());
  });

  test("an analyst sees them and changes nothing; a stranger to the scope is told so", async (t) => {
    const { json } = await server.admin.post("/v1/tokens", { name: "analyst", role: "analyst", scope: "advertiser:acme" });
    const dashboard = await browser.open(t, server);
    dashboard.expected.push(/403/);
    await dashboard.signIn(json.token, "/cubes");
    await dashboard.settled("cubes");
    assert.equal(await dashboard.find("new-cube").count(), 0);
    await dashboard.visit("/cubes?scope=advertiser:globex");
    await dashboard.find("state-no-access").first().waitFor();
  });
});

describe("the notebook", () => {
  test("a statement is completed, run, drawn, explained and downloaded", async (t) => {
    const dashboard = await signedIn(t, `/sql?${MARCH}`);
    const { page } = dashboard;
    await dashboard.settled("sql");
    await page.locator('[data-testid="schema-table"][data-name="ad_stats"]').waitFor();
    const sql = "SELECT campaign, SUM(clicks) AS clicks, SUM(cost_micros) / 2.0 AS half FROM ad_stats GROUP BY campaign ORDER BY campaign";
    const field = dashboard.find("sql-text");
    await field.fill("");
    await field.pressSequentially("SELECT camp");
    await page.locator('[data-testid="offer"]').first().waitFor();
    assert.match(await dashboard.find("offer").first().innerText(), /campaign/);
    await field.press("Enter");
    assert.equal(await field.inputValue(), "SELECT campaign");
    await write(dashboard, sql);
    await run(dashboard);
    const rows = await answer(sql);
    assert.ok(rows.length > 2);
    await eventually(async () => assert.deepEqual(await shown(dashboard), texts(rows)), WAIT_MS);
    const [download] = await Promise.all([page.waitForEvent("download"), dashboard.find("csv").click()]);
    assert.deepEqual((await readFile(await download.path(), "utf8")).trimEnd().split("\r\n").slice(1), rows.map((row) => row.join()));
    await dashboard.find("as-chart").click();
    await eventually(async () => assert.deepEqual(await dashboard.find("bar").evaluateAll((bars) => bars.map(({ dataset }) => Number(dataset.value))), rows.map((row) => row[1])), WAIT_MS);
    await dashboard.find("chart-figure").selectOption("1");
    await eventually(async () => assert.equal(Number(await dashboard.find("bar").first().getAttribute("data-value")), Number(rows[0][2])), WAIT_MS);
    await dashboard.find("explain").click();
    assert.match(await dashboard.find("plan").innerText(), /cells of ad_stats, added up/);
    await write(dashboard, "SELECT day, SUM(clicks) AS clicks FROM ad_stats GROUP BY day");
    await run(dashboard);
    await dashboard.find("result-line").waitFor({ state: "attached" });
    const last = (await answer("SELECT day, SUM(clicks) FROM ad_stats GROUP BY day ORDER BY day")).at(-1);
    await dashboard.find("result-chart").locator(".chart").press("End");
    await eventually(async () => assert.equal(await dashboard.find("chart-readout").innerText(), `${last[0]}: ${last[1]}`), WAIT_MS);
  });

  test("what is wrong is marked where it stands", async (t) => {
    const dashboard = await signedIn(t, `/sql?${MARCH}`);
    dashboard.expected.push(/status of 422/);
    await dashboard.settled("sql");
    for (const [sql, marked, code] of [
      ["SELECT '여름',\n  nothing\nFROM ad_stats", "nothing", "sql_unknown_column"],
      ["SELECT 1 FROM nowhere", "nowhere", "sql_unknown_table"],
      ["DELETE FROM ad_stats", "DELETE", "sql_read_only"],
    ]) {
      await write(dashboard, sql);
      await run(dashboard, "failed");
      assert.equal(await dashboard.find("problem-code").innerText(), code);
      if (marked !== "nowhere") assert.equal(await dashboard.find("sql-mark").innerText(), marked);
    }
    await write(dashboard, "SELECT 1");
    assert.equal(await dashboard.find("sql-mark").count(), 0);
  });

  test("many rows are scrolled, and few are made", async (t) => {
    const dashboard = await signedIn(t, `/sql?${MARCH}`);
    await dashboard.settled("sql");
    await write(dashboard, "WITH x AS (SELECT a.clicks AS c FROM ad_stats a CROSS JOIN ad_stats b) SELECT ROW_NUMBER() OVER (ORDER BY c) AS n FROM x ORDER BY n LIMIT 9000");
    await run(dashboard);
    assert.equal(await dashboard.find("rows").getAttribute("data-count"), "9000");
    const made = await shown(dashboard);
    assert.ok(made.length > 10 && made.length < 80, `${made.length} rows are made`);
    assert.equal(made[0][0], "1");
    await dashboard.page.locator(".result").evaluate((element) => element.scrollTo(0, 30 * 5_000));
    await eventually(async () => assert.ok((await shown(dashboard)).some(([n]) => n === "5003")), WAIT_MS);
    await dashboard.page.locator(".result").evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await eventually(async () => assert.equal((await shown(dashboard)).at(-1)[0], "9000"), WAIT_MS);
  });

  test("it is kept for everybody of the scope, found again, and not written over unseen", async (t) => {
    const dashboard = await signedIn(t, `/sql?${MARCH}`);
    dashboard.expected.push(/status of 409/);
    const { page } = dashboard;
    await dashboard.settled("sql");
    await dashboard.find("notebook-name").fill("Spend by ad");
    await write(dashboard, "SELECT 1 AS one");
    await dashboard.find("add-text").click();
    await dashboard.find("remark").fill("무엇인가");
    await dashboard.find("save").click();
    await eventually(() => assert.ok(dashboard.query().get("notebook")), WAIT_MS);
    const id = dashboard.query().get("notebook");
    const { json } = await server.admin.get(`/v1/notebooks/${id}`);
    assert.deepEqual([json.name, json.scope, json.cells.map(({ kind, text }) => [kind, text])], ["Spend by ad", "advertiser:acme", [["sql", "SELECT 1 AS one"], ["text", "무엇인가"]]]);
    await dashboard.find("up").last().click();
    await dashboard.find("save").click();
    await eventually(async () => assert.deepEqual((await server.admin.get(`/v1/notebooks/${id}`)).json.cells.map(({ kind }) => kind), ["text", "sql"]), WAIT_MS);

    const other = await signedIn(t, `/sql?${MARCH}`);
    await other.settled("sql");
    await other.find("notebooks").click();
    await other.find("notebook").first().click();
    await eventually(async () => assert.equal(await other.find("notebook-name").inputValue(), "Spend by ad"), WAIT_MS);
    await other.find("run-all").click();
    await eventually(async () => assert.deepEqual(await shown(other), [["1"]]), WAIT_MS);
    await other.find("notebook-name").fill("Changed elsewhere");
    await other.find("save").click();
    await eventually(async () => assert.equal((await server.admin.get(`/v1/notebooks/${id}`)).json.name, "Changed elsewhere"), WAIT_MS);

    await dashboard.find("notebook-name").fill("Mine");
    await dashboard.find("save").click();
    await dashboard.find("refused").waitFor();
    assert.equal((await server.admin.get(`/v1/notebooks/${id}`)).json.name, "Changed elsewhere");
    await page.reload();
    await eventually(async () => assert.equal(await dashboard.find("notebook-name").inputValue(), "Changed elsewhere"), WAIT_MS);
    await dashboard.find("notebooks").click();
    await dashboard.find("delete-notebook").click();
    assert.equal((await server.admin.get(`/v1/notebooks/${id}`)).status, 200);
    await dashboard.find("delete-notebook-sure").click();
    await eventually(async () => assert.equal((await server.admin.get(`/v1/notebooks/${id}`)).status, 404), WAIT_MS);
  });

  test("cells in the address are a notebook too", async (t) => {
    const sql = "SELECT country, SUM(impressions) AS n FROM ad_stats GROUP BY country ORDER BY country";
    const dashboard = await signedIn(t, `/sql?${MARCH}&text=${encodeURIComponent("Where from?")}&sql=${encodeURIComponent(sql)}`);
    await dashboard.settled("sql");
    assert.equal(await dashboard.find("remark").inputValue(), "Where from?");
    await dashboard.find("run-all").click();
    const rows = await answer(sql);
    await eventually(async () => assert.deepEqual(await shown(dashboard), texts(rows)), WAIT_MS);
  });

  test("what runs in the browser is what the server answers", async (t) => {
    const dashboard = await signedIn(t, `/sql?${MARCH}&run=here`);
    dashboard.expected.push(/status of 422/);
    const { page } = dashboard;
    const asked = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await dashboard.settled("sql");
    const statements = [
      "SELECT SUM(impressions), SUM(clicks), SUM(cost_micros) FROM ad_stats",
      "SELECT campaign, country, SUM(impressions) FROM ad_stats WHERE device = 'mobile' GROUP BY campaign, country ORDER BY 1, 2",
      "SELECT day, COUNT(*) FROM ad_stats GROUP BY day ORDER BY day",
      "SELECT hour, SUM(clicks) FROM ad_stats WHERE day = '2026-03-07' GROUP BY hour ORDER BY hour",
      "SELECT campaign, COUNT(DISTINCT user_key) FROM ad_stats GROUP BY campaign ORDER BY campaign",
      "SELECT table_name FROM information_schema.tables ORDER BY 1",
      "SELECT a.name, SUM(s.clicks) FROM ad_stats s LEFT JOIN advertisers a ON a.advertiser = s.advertiser GROUP BY a.name",
    ];
    for (const sql of statements) {
      await write(dashboard, sql);
      await run(dashboard);
      const rows = await answer(sql);
      assert.ok(rows.length > 0);
      await eventually(async () => assert.deepEqual(await shown(dashboard), texts(rows), sql), WAIT_MS);
    }
    assert.ok(Number(await dashboard.find("held").getAttribute("data-cells")) > 100);
    // Cells are here: the server is not asked again.
    asked.length = 0;
    await write(dashboard, "SELECT placement, SUM(impressions) FROM ad_stats GROUP BY placement ORDER BY 1");
    await run(dashboard);
    assert.deepEqual(asked.filter((path) => path.startsWith("/v1/s")), []);
    await dashboard.find("explain").click();
    assert.match(await dashboard.find("plan").innerText(), /in this browser: \d+ cells that are here/);
    await write(dashboard, "SELECT nothing FROM ad_stats");
    await run(dashboard, "failed");
    assert.equal(await dashboard.find("sql-mark").innerText(), "nothing");
    await dashboard.find("run-on-server").click();
    await eventually(() => assert.equal(dashboard.query().get("run"), null), WAIT_MS);
  });
});

/** A dashboard and what it asks for; one that is to spare data loads nothing that nobody asked for. */
async function watched(t, { spares = false } = {}) {
  const dashboard = await browser.open(t, server);
  const asked = [];
  dashboard.page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  if (spares) await dashboard.page.addInitScript(() => Object.defineProperty(navigator, "connection", { value: { saveData: true } }));
  const loaded = () => asked.filter((path) => /^\/(workbench|engine)\//.test(path));
  return { dashboard, asked, loaded };
}

test("the pages that few open first come when nothing else is left to do", async (t) => {
  const { dashboard, loaded } = await watched(t);
  await dashboard.signIn(server.adminToken, `/?${MARCH}`);
  await dashboard.settled("overview");
  const parts = ["adtally_workbench.js", "adtally_workbench_bg.wasm", "workbench.css"];
  await eventually(() => assert.deepEqual(loaded().sort(), parts.map((part) => `/workbench/${part}`)), WAIT_MS);
  for (const page of ["health", "jobs", "settings", "restatements", "cubes", "sql", "verify"]) {
    await dashboard.find(`nav-${page}`).click();
    await dashboard.find(page).waitFor();
    assert.equal(await dashboard.find(`nav-${page}`).getAttribute("aria-current"), "page");
    assert.equal(await dashboard.page.locator("h1").count(), 1);
  }
  assert.equal(loaded().length, 3);
  await dashboard.page.goBack();
  await dashboard.find("sql").waitFor();
  await dashboard.page.goBack();
  await dashboard.find("cubes").waitFor();
});

test("whoever points at one of them has it loaded", async (t) => {
  const { dashboard, loaded } = await watched(t, { spares: true });
  await dashboard.signIn(server.adminToken, `/?${MARCH}`);
  await dashboard.settled("overview");
  await dashboard.page.waitForTimeout(4_000);
  assert.deepEqual(loaded(), []);
  await dashboard.find("nav-report").hover();
  await dashboard.find("nav-health").hover();
  await eventually(() => assert.equal(loaded().length, 3), WAIT_MS);
});

test("one that cannot be loaded says so, and comes when it is tried again", async (t) => {
  const { dashboard } = await watched(t, { spares: true });
  dashboard.expected.push(/Failed to load resource|net::ERR_FAILED/);
  await dashboard.page.route("**/workbench/*_bg.wasm", (route) => route.abort());
  await dashboard.signIn(server.adminToken, `/health?${MARCH}`);
  await dashboard.find("state-error").waitFor();
  await dashboard.page.unroute("**/workbench/*_bg.wasm");
  await dashboard.find("state-error").getByRole("button").click();
  await dashboard.settled("health");
  assert.equal(await dashboard.find("state-error").count(), 0);
});

test("a session that ends in one of them ends in the dashboard", async (t) => {
  const { dashboard } = await watched(t);
  await dashboard.signIn(server.adminToken, `/jobs?${MARCH}`);
  await dashboard.settled("jobs");
  await dashboard.page.context().clearCookies();
  await dashboard.find("sign-in").waitFor();
  assert.match(await dashboard.find("sign-in").innerText(), /Your session has ended/);
});

test("a first visit loads neither", async (t) => {
  const { dashboard, asked } = await watched(t, { spares: true });
  await dashboard.signIn(server.adminToken, `/?${MARCH}`);
  await dashboard.settled("overview");
  assert.deepEqual(asked.filter((path) => /workbench|engine/.test(path)), []);
  await dashboard.find("nav-sql").click();
  await dashboard.settled("sql");
  assert.ok(asked.some((path) => path.startsWith("/workbench/")) && !asked.some((path) => path.startsWith("/engine/")));
  await dashboard.find("language").selectOption("ko");
  await dashboard.page.getByRole("button", { name: "모두 실행" }).waitFor();
  await dashboard.find("nav-cubes").click();
  await dashboard.settled("cubes");
  await dashboard.page.goBack();
  await dashboard.settled("sql");
});

test("everybody can use them: no serious finding of axe, and nothing sticks out of a phone", async (t) => {
  const source = await readFile(AXE, "utf8");
  const findings = [];
  for (const [name, options] of Object.entries({ desktop: { colorScheme: "light" }, phone: { ...PHONE, colorScheme: "dark" } })) {
    const dashboard = await signedIn(t, `/?${MARCH}`, { ...options, bypassCSP: true });
    for (const [page, path] of [["cubes", `/cubes?${SCOPE}&new=campaign,country,device`], ["sql", `/sql?${MARCH}&text=Why&chart=${encodeURIComponent("SELECT campaign, SUM(clicks) AS c FROM ad_stats GROUP BY campaign")}`]]) {
      await dashboard.visit(path);
      await dashboard.settled(page);
      if (page === "sql") {
        await dashboard.find("run-all").click();
        await dashboard.find("bar").first().waitFor();
      } else {
        await dashboard.find("estimate-all").waitFor();
      }
      await dashboard.page.evaluate(source);
      const { violations } = await dashboard.page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
      for (const { id, impact, nodes } of violations.filter(({ impact }) => ["serious", "critical"].includes(impact))) {
        findings.push(`${name} ${page}: ${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(" | ")}`);
      }
      findings.push(...(await dashboard.stickingOut()).map((what) => `${name} ${page}: ${what} sticks out`));
    }
  }
  assert.deepEqual(findings, []);
});
