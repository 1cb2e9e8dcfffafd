// The main task of each page, and whether everybody can use it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";

import { eventually } from "./api.mjs";
import { useBrowser } from "./browser.mjs";
import { batch as nightly } from "./nightly.mjs";
import { ROOT } from "./server.mjs";
import { RANGE, useServerWithTraffic } from "./traffic.mjs";

const MARCH = "from=2026-03-01&to=2026-04-01&tz=UTC";
const ACME = `scope=advertiser:acme&${MARCH}`;
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
/**
 * What a first visit may download, packed; without a nightly compiler the dashboard is a tenth larger.
 *
 * The pages that are in a module of their own are not part of it: they come when somebody points at them, or when the
 * first page is there and there is nothing else to do.
 */
const MAX_DOWNLOAD = spawnSync("rustup", ["run", "nightly", "rustc", "--version"]).status === 0 ? 600_000 : 660_000;

const server = useServerWithTraffic();
const browser = useBrowser();

async function signedIn(t, path, options) {
  const dashboard = await browser.open(t, server, options);
  await dashboard.signIn(server.adminToken, path);
  return dashboard;
}

/** The figures of each row of a pivot, by its keys. */
const pivot = (dashboard) =>
  dashboard.find("pivot").evaluate((table) =>
    Object.fromEntries(
      [...table.querySelectorAll('[data-testid="pivot-row"]')].map((row) => [
        row.dataset.key,
        [...row.querySelectorAll("td")].map((cell) => (cell.dataset.value === undefined ? null : Number(cell.dataset.value))),
      ]),
    ),
  );

/** The pivot by `by` must show what the API answers. */
async function shows(dashboard, params) {
  const report = await server.admin.report({ ...RANGE, tz: "UTC", scope: "advertiser:acme", metrics: "impressions,clicks,ctr", ...params });
  const names = report.columns.filter(({ kind }) => kind === "dimension").length;
  const expected = Object.fromEntries(report.rows.map((row) => [row.slice(0, names).join("/"), row.slice(names)]));
  await eventually(async () => {
    const { "": all, ...rows } = await pivot(dashboard);
    assert.deepEqual(rows, expected);
    assert.deepEqual(all, Object.values(report.totals).length ? ["impressions", "clicks", "ctr"].map((name) => report.totals[name]) : []);
  }, 10_000);
}

describe("the pivot", () => {
  test("adds up here what the server would add up", async (t) => {
    const dashboard = await signedIn(t, `/explore?${ACME}&rows=campaign,ad&metrics=impressions,clicks,ctr`);
    await shows(dashboard, { by: "campaign" });
    await dashboard.find("open-row").first().click();
    await eventually(async () => assert.ok(dashboard.query().get("open")), 5_000);
    const open = dashboard.query().get("open");
    const below = await server.admin.report({ ...RANGE, tz: "UTC", scope: "advertiser:acme", by: "ad", metrics: "impressions", filter: `campaign:eq:${open}` });
    await eventually(async () => {
      const rows = await pivot(dashboard);
      for (const [ad, impressions] of below.rows) assert.equal(rows[`${open}/${ad}`][0], impressions, ad);
    }, 5_000);
    await dashboard.find("drill").first().click();
    await shows(dashboard, { by: "ad", filter: `campaign:eq:${open}` });
    await dashboard.page.goBack();
    await dashboard.page.reload();
    await eventually(async () => assert.ok(Object.keys(await pivot(dashboard)).some((key) => key.startsWith(`${open}/`))), 10_000);
  });

  test("draws times as a line that leads to the events of a day", async (t) => {
    const dashboard = await signedIn(t, `/explore?${ACME}&rows=day&metrics=impressions&view=chart`);
    const report = await server.admin.report({ ...RANGE, tz: "UTC", scope: "advertiser:acme", by: "day", metrics: "impressions", sort: "day" });
    const chart = dashboard.find("chart", dashboard.find("pivot-chart"));
    await chart.focus();
    await dashboard.page.keyboard.press("End");
    const [day, impressions] = report.rows.at(-1);
    await eventually(async () => assert.match(await dashboard.find("chart-readout").innerText(), new RegExp(`: ${impressions}$`)), 5_000);
    await dashboard.page.keyboard.press("Enter");
    await dashboard.settled("events");
    assert.equal(dashboard.query().get("from"), day.slice(0, 10));
    assert.equal(dashboard.query().get("kind"), "impression");
  });

  test("leads from a figure to its events, and from an event to its story", async (t) => {
    const dashboard = await signedIn(t, `/explore?${ACME}&rows=campaign&metrics=clicks`);
    const row = dashboard.page.locator('[data-testid="pivot-row"][data-key="acme-0"] td').first();
    await row.waitFor();
    const clicks = Number(await row.getAttribute("data-value"));
    await row.click();
    await dashboard.settled("events");
    assert.deepEqual(dashboard.query().getAll("filter"), ["campaign:eq:acme-0"]);
    assert.deepEqual(["kind", "outcome"].map((name) => dashboard.query().get(name)), ["click", "counted"]);
    const story = dashboard.find("event-row").first();
    await eventually(async () => assert.equal(await dashboard.find("event-row").count(), clicks), 10_000);
    assert.ok(clicks > 1);
    assert.match(await story.getAttribute("data-id"), /^c/);
    const id = await story.getAttribute("data-id");
    await story.locator("button").click();
    await dashboard.find("timeline").waitFor();
    assert.match(await dashboard.find("timeline").innerText(), new RegExp(`i${id.slice(1)}`));
    assert.ok((await dashboard.find("facts").locator("li").count()) > 0);
    await dashboard.find("close-story").click();
    await eventually(async () => assert.equal(dashboard.query().get("story"), null), 5_000);
  });
});

describe("after a batch", () => {
  /** The batch of everything, until it is published; the name of its run. */
  const batch = async () => (await nightly(server.admin, null, 60_000)).run;

  const unconfirmed = async (dashboard, expected) =>
    eventually(async () => assert.equal(Number(await dashboard.find("unconfirmed").getAttribute("data-value")), expected), 10_000);

  test("what is confirmed is told apart, and what changes later is restated", async (t) => {
    const dashboard = await signedIn(t, `/?${ACME}`);
    const { impressions } = await server.admin.totals({ ...RANGE, scope: "advertiser:acme", metrics: "impressions" });
    await unconfirmed(dashboard, impressions);
    await batch();
    await unconfirmed(dashboard, 0);
    const late = { id: "late", kind: "impression", advertiser: "acme", campaign: "acme-0", ad: "late-ad", at: "2026-03-07T01:10:00Z" };
    await server.sender.collect([late]);
    await unconfirmed(dashboard, 1);
    await dashboard.visit(`/restatements?${ACME}`);
    await dashboard.find("state-empty").waitFor();
    const run = await batch();

    const row = dashboard.page.locator('[data-testid="restatement"][data-measure="impressions"]');
    await row.first().waitFor();
    assert.deepEqual(
      await row.evaluateAll((rows) => rows.map(({ dataset: { from, to, cause } }) => [from, to, cause])),
      [["0", "1", "late"]],
    );
    await dashboard.find("cause").selectOption("correction");
    await dashboard.find("state-empty").waitFor();
    await dashboard.page.goBack();
    await row.first().waitFor();
    await dashboard.find("behind", row).click();
    await dashboard.settled("events");
    await eventually(async () => assert.deepEqual(await dashboard.find("event-row").evaluateAll((rows) => rows.map(({ dataset }) => dataset.id)), ["late"]), 10_000);

    await dashboard.visit(`/jobs?${ACME}`);
    await dashboard.find("open-graph").first().click();
    const { json } = await server.admin.get(`/v1/jobs/${run}`);
    await eventually(async () => {
      const shown = await dashboard.find("graph-task").evaluateAll((tasks) => tasks.map(({ dataset: { id, state } }) => [id, state]));
      assert.deepEqual(shown, json.tasks.map(({ id, state }) => [id, state]));
    }, 10_000);
    await dashboard.find("graph-task").first().click();
    await dashboard.find("task-log").waitFor();
  });

  test("the graph and the log that are open are in the address", async (t) => {
    const run = await batch();
    const dashboard = await signedIn(t, `/jobs?${ACME}`);
    // A run that is not there.
    dashboard.expected.push(/status of 404/);
    const [graph, log] = [dashboard.find("graph"), dashboard.find("task-log")];
    await dashboard.page.getByRole("button", { name: `Tasks of ${run}`, exact: true }).click();
    await graph.waitFor();
    assert.deepEqual([dashboard.query().get("run"), dashboard.query().get("task")], [run, null]);
    const task = dashboard.find("graph-task").first();
    const id = await task.getAttribute("data-id");
    await task.click();
    await log.waitFor();
    assert.deepEqual([dashboard.query().get("run"), dashboard.query().get("task")], [run, `${run}/${id}`]);
    const link = new URL(dashboard.page.url());
    await dashboard.page.goBack();
    await log.waitFor({ state: "detached" });
    await graph.waitFor();
    await dashboard.page.goBack();
    await graph.waitFor({ state: "detached" });
    await dashboard.page.goForward();
    await graph.waitFor();
    assert.equal(await log.count(), 0);

    await dashboard.visit(link.pathname + link.search);
    await graph.waitFor();
    await log.waitFor();
    assert.match(await dashboard.find("task-panel").getAttribute("aria-label"), new RegExp(id.slice(0, 20)));
    await dashboard.find("close-task").click();
    await log.waitFor({ state: "detached" });
    assert.equal(dashboard.query().get("task"), null);
    assert.equal(dashboard.query().get("run"), run);

    await dashboard.visit(`/jobs?${ACME}&run=batch-999&task=${run}/never`);
    assert.match(await dashboard.find("run-gone").innerText(), /batch-999/);
    assert.match(await dashboard.find("task-gone").innerText(), new RegExp(run));
    assert.equal(await dashboard.find("task-again").count(), 0);
    await dashboard.find("close-task").click();
    await dashboard.find("close-graph").click();
    await dashboard.find("run-gone").waitFor({ state: "detached" });
    assert.deepEqual([dashboard.query().get("run"), dashboard.query().get("task")], [null, null]);
  });

  test("a day is linked again in the browser, and is the server's byte by byte", async (t) => {
    await batch();
    const dashboard = await signedIn(t, `/verify?${ACME}`);
    const verdict = dashboard.find("verdict");
    const verified = async (day) => {
      await dashboard.find("verify-day").fill(day);
      await dashboard.find("verify-start").click();
      await dashboard.find("state-loading").waitFor({ state: "detached" });
      await verdict.waitFor();
      assert.equal(await dashboard.find("verified-day").innerText(), day);
      return verdict.evaluate(({ dataset }) => ({ ...dataset }));
    };
    for (const day of ["2026-03-07", "2026-03-08"]) {
      const { equal, events, cells } = await verified(day);
      assert.equal(equal, "true", day);
      const { json } = await server.admin.get("/v1/archive", { advertiser: "acme", from: day, to: `${day.slice(0, 9)}${Number(day[9]) + 1}` });
      assert.ok(Number(events) >= json.entries && json.entries > 40, `${events} of ${json.entries}`);
      assert.ok(Number(cells) > 20);
    }
    // An event that is not in the archive yet: the page says where the figures differ.
    await server.sender.collect([{ id: "unarchived", kind: "impression", advertiser: "acme", ad: "new-ad", at: "2026-03-08T05:00:00Z" }]);
    await eventually(async () => {
      const { impressions } = await server.admin.totals({ ...RANGE, scope: "advertiser:acme", metrics: "impressions", filter: "ad:eq:new-ad" });
      assert.equal(impressions, 1);
    }, 5_000);
    assert.equal((await verified("2026-03-08")).equal, "false");
    const differences = await dashboard.find("difference").evaluateAll((rows) => rows.map(({ dataset: { measure, here, server } }) => [measure, here, server]));
    assert.deepEqual(differences, [["impressions", "0", "1"], ["late", "0", "1"]]);
  });

  test("days are run again, and a job pauses", async (t) => {
    const dashboard = await signedIn(t, `/jobs?${ACME}`);
    await dashboard.find("backfill-from").fill("2026-03-07");
    await dashboard.find("backfill-to").fill("2026-03-08");
    await dashboard.find("backfill").click();
    await eventually(async () => {
      const { json } = await server.admin.get("/v1/jobs");
      assert.match(JSON.stringify(json.runs[0].params), /2026-03-07.*2026-03-08/);
      assert.equal(json.runs[0].state, "succeeded");
    }, 60_000);
    const job = dashboard.page.locator('[data-testid="job"][data-job="batch"]');
    for (const paused of ["true", "false"]) {
      await dashboard.find("pause", job).click();
      await eventually(async () => assert.equal(await job.getAttribute("data-paused"), paused), 10_000);
      const { json } = await server.admin.get("/v1/jobs/definitions/batch");
      assert.equal(String(json.paused), paused);
    }
  });
});

test("ads of an advertiser are called by their names", async (t) => {
  const named = await server.admin.put("/v1/ads/ad0", { advertiser: "acme", campaign: "acme-0", name: "Banner of spring" });
  assert.ok(named.status < 300, named.text);
  const dashboard = await signedIn(t, `/report?${ACME}&by=ad&metrics=clicks`);
  const names = () => dashboard.find("row").evaluateAll((rows) => rows.map((row) => [row.querySelector('[data-col="ad"]').dataset.value, row.querySelector('[data-col="ad"]').innerText.trim()]));
  await eventually(async () => assert.deepEqual((await names()).find(([key]) => key === "ad0"), ["ad0", "Banner of spring"]), 10_000);
  assert.deepEqual((await names()).find(([key]) => key === "ad1"), ["ad1", "ad1"]);
  const asked = [];
  dashboard.page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await dashboard.page.reload();
  await eventually(async () => assert.deepEqual((await names()).find(([key]) => key === "ad0"), ["ad0", "Banner of spring"]), 10_000);
  await dashboard.page.waitForLoadState("networkidle");
  assert.equal(asked.filter((path) => path === "/v1/ads").length, 1, "asked for once");
});

test("a figure of a report leads to its events", async (t) => {
  const dashboard = await signedIn(t, `/report?${ACME}&by=campaign,country&metrics=clicks,ctr&sort=-clicks,campaign,country`);
  await dashboard.settled("report");
  const row = dashboard.find("row").first();
  const [campaign, clicks] = await row.evaluate((row) => ["campaign", "clicks"].map((name) => row.querySelector(`[data-col="${name}"]`).dataset.value));
  await dashboard.find("behind", row).first().click();
  await dashboard.settled("events");
  assert.equal(dashboard.query().get("kind"), "click");
  assert.ok(dashboard.query().getAll("filter").includes(`campaign:eq:${campaign}`));
  await eventually(async () => assert.equal(await dashboard.find("event-row").count(), Number(clicks)), 10_000);
});

describe("the settings", () => {
  test("a token is made, shown once, and revoked", async (t) => {
    const dashboard = await signedIn(t, "/settings");
    await dashboard.find("token-name").fill("from the page");
    await dashboard.find("token-role").selectOption("write");
    // The catalog does not know it.
    await dashboard.find("token-scope").selectOption("advertiser:");
    await dashboard.find("token-key").fill("acme");
    await dashboard.find("make-token").click();
    const secret = await dashboard.find("secret").innerText();
    const sent = await server.admin.as(secret).post("/v1/events", { kind: "impression", id: "by-page", advertiser: "acme", ad: "a" });
    assert.equal(sent.status, 202, sent.text);
    await dashboard.page.reload();
    await dashboard.find("token-row").first().waitFor();
    assert.equal(await dashboard.find("secret").count(), 0);
  });
});

describe("every page can be used by everybody: no serious finding of axe", () => {
  const PAGES = {
    overview: "/?",
    explore: "/explore?",
    heat: "/explore?rows=campaign,ad&cols=country&metrics=impressions,clicks&top=5&heat=1&open=acme-0&",
    compare: "/explore?rows=campaign&metrics=impressions,clicks&compare=1&",
    chart: "/explore?rows=day&cols=country&metrics=impressions,clicks&view=chart&",
    bars: "/explore?rows=campaign&metrics=impressions,clicks&view=chart&",
    report: "/report?",
    events: "/events?",
    rejected: "/events?list=rejected&",
    wizard: "/cubes?new=campaign,country&",
    sql: "/sql?sql=SELECT%201%20AS%20one&",
    story: "/events?kind=click&story=click:c7&",
    restatements: "/restatements?",
    verify: "/verify?",
    settings: "/settings?",
    health: "/health?",
    jobs: "/jobs?",
  };
  /** The page that has to be there, and what of it has to be, where the name of the case does not say it. */
  const ROOTS = { heat: "explore", compare: "explore", chart: "explore", bars: "explore", story: "events", rejected: "events", wizard: "cubes" };
  const PARTS = { heat: "pivot-row", compare: "pivot-row", chart: "pivot-line", bars: "bar", story: "facts", wizard: "estimate" };
  const LOOKS = {
    "light and English": { colorScheme: "light" },
    "dark and English": { colorScheme: "dark" },
    "light and Korean": { colorScheme: "light", locale: "ko-KR" },
    "dark and Korean, on a phone": { colorScheme: "dark", locale: "ko-KR", viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
  };

  for (const [look, options] of Object.entries(LOOKS)) {
    test(look, async (t) => {
      const source = await readFile(AXE, "utf8");
      // The policy of the pages allows no script from elsewhere; the check is not part of them. What fades in is faint
      // for a moment.
      const dashboard = await signedIn(t, `/?${ACME.replace("acme", "globex")}`, { bypassCSP: true, reducedMotion: "reduce", ...options });
      const findings = [];
      for (const [page, path] of Object.entries(PAGES)) {
        // c7 is a click of globex, acme has the rest.
        await dashboard.visit(`${path}${page === "story" ? ACME.replace("acme", "globex") : ACME}`);
        await dashboard.settled(ROOTS[page] ?? page);
        if (PARTS[page]) await dashboard.find(PARTS[page]).first().waitFor();
        await dashboard.page.evaluate(source);
        const { violations } = await dashboard.page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
        for (const { id, impact, nodes } of violations.filter(({ impact }) => ["serious", "critical"].includes(impact))) {
          findings.push(`${page}: ${id} (${impact}): ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(" | ")}`);
        }
      }
      assert.deepEqual(findings, []);
    });
  }
});

test("a first visit downloads little", async () => {
  const folder = join(ROOT, "web", "dist");
  let bytes = 0;
  for (const name of await readdir(folder)) {
    // Without folders: what is in one is a module that is loaded later.
    if (/\.(wasm|js|css)$/.test(name)) bytes += gzipSync(await readFile(join(folder, name)), { level: 9 }).length;
  }
  assert.ok(bytes <= MAX_DOWNLOAD, `${bytes} bytes`);
});

describe("a wide pivot", () => {
  /** Two days by the hour, with open rows and five metrics: too many cells to write all of them. */
  const METRICS = "impressions,clicks,ctr,conversions,cost_micros";
  const EACH = METRICS.split(",").length;
  const DAYS = { from: "2026-03-07", to: "2026-03-09", tz: "UTC", scope: "advertiser:acme" };

  const wide = async (t) => {
    const open = [0, 1, 2].map((i) => `open=acme-${i}`).join("&");
    const dashboard = await signedIn(t, `/explore?${new URLSearchParams(DAYS)}&rows=campaign,country&cols=hour&metrics=${METRICS}&${open}`);
    await dashboard.page.locator('[data-testid="pivot-row"][data-key^="acme-0/"]').first().waitFor();
    return dashboard;
  };
  const hours = async () => {
    const { rows } = await server.admin.report({ ...DAYS, by: "hour,campaign", metrics: "impressions", sort: "hour" });
    return { rows, hours: [...new Set(rows.map(([hour]) => hour))].sort() };
  };
  const focused = (dashboard) => dashboard.page.evaluate(() => ({ ...document.activeElement.dataset }));

  test("writes only the columns in sight, and has the figures of every hour", async (t) => {
    const dashboard = await wide(t);
    const { rows, hours: all } = await hours();
    const lines = await dashboard.find("pivot-row").count();
    const cells = await dashboard.find("pivot").evaluate((table) => table.querySelectorAll("td[data-line]").length);
    assert.ok(cells < lines * (all.length + 1) * EACH * 0.5, `${cells} cells of ${lines} lines and ${all.length} columns are written`);
    const row = dashboard.page.locator('[data-testid="pivot-row"][data-key="acme-0"]');
    for (const [column, hour] of all.entries()) {
      await dashboard.find("pivot").evaluate((table, px) => (table.parentElement.scrollLeft = px), column * EACH * 104);
      const [, , impressions] = rows.find((row) => row[0] === hour && row[1] === "acme-0") ?? [hour, "acme-0", 0];
      await eventually(async () => {
        const value = await row.locator(`td[data-column="${column}"][data-col="impressions"]`).getAttribute("data-value", { timeout: 1_000 });
        assert.equal(Number(value), impressions, hour);
      }, 5_000);
    }
  });

  test("is walked through with the keyboard from end to end", async (t) => {
    const dashboard = await wide(t);
    const last = ((await hours()).hours.length + 1) * EACH - 1;
    await dashboard.page.locator('td[data-line="0"][data-place="0"]').focus();
    const walk = async (key, place) => {
      await dashboard.page.keyboard.press(key);
      await eventually(async () => assert.deepEqual([(await focused(dashboard)).line, (await focused(dashboard)).place], ["0", String(place)]), 5_000);
    };
    for (let place = 1; place <= last; place++) await walk("ArrowRight", place);
    for (let place = last - 1; place >= last - 60; place--) await walk("ArrowLeft", place);
  });

  test("writes only the rows in sight, and keys reach the last of them", async (t) => {
    const dashboard = await signedIn(t, `/explore?${new URLSearchParams(DAYS)}&rows=hour&cols=campaign&metrics=${METRICS}`, { viewport: { width: 1280, height: 420 } });
    await dashboard.find("pivot-row").first().waitFor();
    const pivot = dashboard.find("pivot");
    const lines = Number(await pivot.getAttribute("aria-rowcount")) - 2;
    const report = await server.admin.report({ ...DAYS, by: "hour", metrics: "impressions", limit: 1_000 });
    const keys = ["", ...report.rows.map(([hour]) => hour)];
    assert.equal(lines, keys.length);
    const written = () => pivot.evaluate((table) => [...table.querySelectorAll('[data-testid="pivot-row"]')].map((row) => ({ key: row.dataset.key, index: Number(row.getAttribute("aria-rowindex")), height: row.getBoundingClientRect().height })));
    const at = await written();
    assert.ok(at.length < lines, `${at.length} of ${lines} lines are written`);
    assert.deepEqual(at.map(({ index }) => index), at.map((_, i) => i + 3));
    assert.deepEqual([...new Set(at.map(({ height }) => height))], [34]);
    const seen = new Set();
    for (let top = 0; top <= lines * 34; top += 100) {
      await pivot.evaluate((table, px) => (table.parentElement.scrollTop = px), top);
      await eventually(async () => {
        const rows = await written();
        const { scrolled, high } = await pivot.evaluate(({ parentElement }) => ({ scrolled: parentElement.scrollTop, high: parentElement.clientHeight }));
        assert.ok(rows[0].index - 3 <= scrolled / 34 && (rows.at(-1).index - 2) * 34 >= Math.min(scrolled + high - 80, lines * 34), `${scrolled}: ${rows[0].index}..${rows.at(-1).index}`);
        for (const { key } of rows) seen.add(key);
      }, 5_000);
    }
    assert.deepEqual([...seen].sort(), keys.sort());
    // Both rows of heads have stayed, and so has that of the names.
    const heads = () => pivot.evaluate(({ parentElement, tHead }) => [...tHead.rows].map((row) => [row, row.cells[0]].map((part) => Math.round(part.getBoundingClientRect().top - parentElement.getBoundingClientRect().top))));
    const down = await heads();
    await pivot.evaluate((table) => (table.parentElement.scrollTop = 0));
    assert.deepEqual(down, await heads());

    const last = Number(await pivot.getAttribute("aria-colcount")) - 2;
    await dashboard.page.locator('td[data-line="0"][data-place="0"]').focus();
    for (const [key, line, place] of [["Control+End", lines - 1, last], ["PageUp", undefined, last], ["PageDown", lines - 1, last], ["Home", lines - 1, 0], ["End", lines - 1, last], ["ArrowUp", lines - 2, last], ["Control+Home", 0, 0]]) {
      await dashboard.page.keyboard.press(key);
      await eventually(async () => {
        const at = await focused(dashboard);
        assert.deepEqual([at.line, at.place], [String(line ?? at.line), String(place)], key);
        // It is in sight: not under the heads, not below the edge.
        const covered = await dashboard.page.evaluate(() => {
          const { left, right, top, bottom } = document.activeElement.getBoundingClientRect();
          return !document.activeElement.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2));
        });
        assert.equal(covered, false, key);
      }, 5_000);
    }
  });

  test("is dragged: rows become columns and columns rows", async (t) => {
    const dashboard = await signedIn(t, `/explore?${ACME}&rows=campaign,ad&metrics=impressions`);
    await dashboard.find("pivot-row").first().waitFor();
    await dashboard.find("drag-campaign").dragTo(dashboard.find("drop-columns"));
    await eventually(async () => assert.deepEqual([dashboard.query().get("rows"), dashboard.query().get("cols")], ["ad", "campaign"]), 5_000);
    await dashboard.find("drag-campaign").dragTo(dashboard.find("drag-ad"));
    await eventually(async () => assert.deepEqual([dashboard.query().get("rows"), dashboard.query().get("cols")], ["campaign,ad", null]), 5_000);
    await dashboard.find("drag-ad").dragTo(dashboard.find("drag-campaign"));
    await eventually(async () => assert.equal(dashboard.query().get("rows"), "ad,campaign"), 5_000);
  });

  for (const view of ["", "&view=chart", "&view=chart&rows=day"]) {
    test(`is saved as files by one click each, before its figures are here (${view || "table"})`, async (t) => {
      const dashboard = await browser.open(t, server);
      let release;
      const clicked = new Promise((resolve) => (release = resolve));
      await dashboard.page.route("**/v1/segments?*", async (route) => {
        await clicked;
        await route.continue();
      });
      await dashboard.signIn(server.adminToken, `/explore?${ACME}&metrics=impressions,clicks&heat=1${view.includes("rows") ? "" : "&rows=campaign"}${view}`);
      const named = (name) => dashboard.page.waitForEvent("download", (download) => download.suggestedFilename() === name);
      const files = Promise.all([named("adtally-explore.png"), named("adtally-explore.csv")]);
      for (const id of ["png", "csv"]) await dashboard.find(id).click();
      release();
      const [png, csv] = await Promise.all((await files).map(async (file) => readFile(await file.path())));
      assert.match(csv.toString(), /^(campaign|day),impressions,clicks\r\n/);
      assert.deepEqual([...png.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
      const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
      assert.ok(width >= 300 && height >= 200 && png.length > 3_000, `${width} x ${height}, ${png.length} bytes`);
      if (process.env.ADTALLY_SHOTS) await writeFile(join(process.env.ADTALLY_SHOTS, `png-${view.length}.png`), png);
    });
  }
});
