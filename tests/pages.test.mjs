// The main task of each page, and whether everybody can use it.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";

import { eventually } from "./api.mjs";
import { useBrowser } from "./browser.mjs";
import { ROOT } from "./server.mjs";
import { RANGE, useServerWithTraffic } from "./traffic.mjs";

const MARCH = "from=2026-03-01&to=2026-04-01&tz=UTC";
const ACME = `scope=advertiser:acme&${MARCH}`;
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
/** What a first visit may download, packed. */
const MAX_DOWNLOAD = 600_000;

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

  test("leads from a figure to its events, and from an event to its story", async (t) => {
    const dashboard = await signedIn(t, `/explore?${ACME}&rows=campaign&metrics=clicks`);
    const row = dashboard.page.locator('[data-testid="pivot-row"][data-key="acme-0"] td').first();
    await row.waitFor();
    await row.click();
    await dashboard.settled("events");
    assert.deepEqual(dashboard.query().getAll("filter"), ["campaign:eq:acme-0"]);
    await dashboard.find("event-kind").selectOption("click");
    const story = dashboard.find("event-row").first();
    await eventually(async () => assert.match(await story.getAttribute("data-id"), /^c/), 10_000);
    const id = await story.getAttribute("data-id");
    await story.locator("button").click();
    await dashboard.find("timeline").waitFor();
    assert.match(await dashboard.find("timeline").innerText(), new RegExp(`i${id.slice(1)}`));
    assert.ok((await dashboard.find("facts").locator("li").count()) > 0);
    await dashboard.find("close-story").click();
    await eventually(async () => assert.equal(dashboard.query().get("story"), null), 5_000);
  });
});

describe("the settings", () => {
  test("a token is made, shown once, and revoked", async (t) => {
    const dashboard = await signedIn(t, "/settings");
    await dashboard.find("token-name").fill("from the page");
    await dashboard.find("token-role").selectOption("write");
    await dashboard.find("make-token").click();
    const secret = await dashboard.find("secret").innerText();
    const sent = await server.admin.as(secret).post("/v1/events", { kind: "impression", id: "by-page", advertiser: "acme", ad: "a" });
    assert.equal(sent.status, 202, sent.text);
    await dashboard.page.reload();
    await dashboard.find("token-row").first().waitFor();
    assert.equal(await dashboard.find("secret").count(), 0);
  });
});

test("every page can be used by everybody: no serious finding of axe", async (t) => {
  const source = await readFile(AXE, "utf8");
  // The policy of the pages allows no script from elsewhere; the check is not part of them.
  const dashboard = await signedIn(t, `/?${ACME}`, { bypassCSP: true });
  const pages = { overview: "/", explore: "/explore", report: "/report", events: "/events", settings: "/settings", health: "/health", jobs: "/jobs" };
  const findings = [];
  for (const [page, path] of Object.entries(pages)) {
    await dashboard.visit(`${path}?${ACME}`);
    await dashboard.settled(page);
    await dashboard.page.evaluate(source);
    const { violations } = await dashboard.page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    for (const { id, impact, nodes } of violations.filter(({ impact }) => ["serious", "critical"].includes(impact))) {
      findings.push(`${page}: ${id} (${impact}): ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(" | ")}`);
    }
  }
  assert.deepEqual(findings, []);
});

test("a first visit downloads little", async () => {
  const folder = join(ROOT, "web", "dist");
  let bytes = 0;
  for (const name of await readdir(folder)) {
    if (/\.(wasm|js|css)$/.test(name)) bytes += gzipSync(await readFile(join(folder, name)), { level: 9 }).length;
  }
  assert.ok(bytes <= MAX_DOWNLOAD, `${bytes} bytes`);
});
