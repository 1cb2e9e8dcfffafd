// What people do with the dashboard.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { eventually } from "./api.mjs";
import { useBrowser } from "./browser.mjs";
import { RANGE, byText, useServerWithTraffic } from "./traffic.mjs";

const MARCH = "from=2026-03-01&to=2026-04-01&tz=UTC";
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

const server = useServerWithTraffic();
const browser = useBrowser();

/** A dashboard on `path`, signed in as the operator. */
async function signedIn(t, path, options) {
  const dashboard = await browser.open(t, server, options);
  await dashboard.signIn(server.adminToken, path);
  return dashboard;
}

/** The report page must show what the API answers to `params`; the order counts only where they ask for one. */
async function showsReport(dashboard, params) {
  const report = await server.admin.report({ ...RANGE, tz: "UTC", ...params });
  const text = (value) => (value === null ? null : String(value));
  const expected = report.rows.map((row) => Object.fromEntries(report.columns.map(({ name }, i) => [name, text(row[i])])));
  await eventually(async () => {
    const { columns, rows, totals } = await dashboard.table();
    assert.deepEqual(columns, report.columns.map(({ name }) => name));
    if (params.sort) assert.deepEqual(rows, expected);
    else assert.deepEqual(rows.sort(byText), expected.sort(byText));
    for (const [metric, value] of Object.entries(report.totals)) assert.equal(totals[metric], text(value), metric);
  }, 5_000);
}

describe("signing in", () => {
  test("a wrong token is refused, the right one opens the page that was asked for", async (t) => {
    const dashboard = await browser.open(t, server);
    await dashboard.visit(`/report?by=campaign&${MARCH}`);
    await dashboard.submitToken("wrong");
    await dashboard.find("sign-in-error").waitFor();
    assert.equal(await dashboard.find("sign-in-error").getAttribute("data-code"), "unauthorized");
    await dashboard.submitToken(server.adminToken);
    await dashboard.settled("report");
    assert.equal(dashboard.query().get("by"), "campaign");
  });

  test("lasts over a reload, and ends with signing out", async (t) => {
    const dashboard = await signedIn(t, "/");
    await dashboard.page.reload();
    await dashboard.settled("overview");
    const [cookie] = await dashboard.page.context().cookies();
    assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, "Strict"]);
    const stored = await dashboard.page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie);
    assert.ok(!stored.includes(server.adminToken), "scripts must not see the token");
    await dashboard.signOut();
    await dashboard.page.reload();
    await dashboard.find("sign-in").waitFor();
  });

  test("an advertiser sees its own figures only", async (t) => {
    const { json } = await server.admin.post("/v1/tokens", { name: "acme", role: "analyst", scope: "advertiser:acme" });
    const dashboard = await browser.open(t, server);
    await dashboard.signIn(json.token, `/?${MARCH}`);
    const { impressions } = await server.admin.totals({ ...RANGE, scope: "advertiser:acme", metrics: "impressions" });
    await eventually(async () => assert.equal(await dashboard.kpi("impressions"), impressions), 5_000);
    assert.match(await dashboard.find("who").innerText(), /acme/i);
    dashboard.expected.push(/status of 403|response code: 403/);
    await dashboard.visit(`/?scope=advertiser:globex&${MARCH}`);
    await dashboard.find("state-no-access").first().waitFor();
  });
});

describe("the overview", () => {
  test("shows the figures of the API", async (t) => {
    const dashboard = await signedIn(t, `/?${MARCH}`);
    await dashboard.settled("overview");
    const metrics = ["impressions", "clicks", "ctr", "conversions", "cost_micros", "link_rate"];
    const totals = await server.admin.totals({ ...RANGE, tz: "UTC", metrics: metrics.join() });
    for (const metric of metrics) assert.equal(await dashboard.kpi(metric), totals[metric], metric);
    const top = await server.admin.report({ ...RANGE, tz: "UTC", by: "campaign", metrics: "impressions", sort: "-impressions,campaign", limit: 1 });
    const first = dashboard.find("top-row", dashboard.find("top-campaign")).first();
    assert.equal(await first.getAttribute("data-key"), top.rows[0][0]);
    assert.ok((await dashboard.find("chart-line").first().getAttribute("d")).length > 20);
  });

  test("follows new events without a reload", async (t) => {
    const dashboard = await signedIn(t, "/?range=7d&tz=UTC");
    await dashboard.settled("overview");
    await dashboard.page.locator('[data-testid="live"][data-state="live"]').waitFor();
    await dashboard.page.evaluate(() => (window.sameDocument = true));
    const before = (await dashboard.kpi("impressions")) ?? 0;
    for (let i = 1; i <= 3; i++) {
      await server.sender.collect([{ id: `live${i}`, kind: "impression", advertiser: "acme", ad: "ad1", user: "u" }]);
      await eventually(async () => assert.equal(await dashboard.kpi("impressions"), before + i), 5_000);
    }
    assert.equal(await dashboard.page.evaluate(() => window.sameDocument), true);
  });

  test("says so where there is nothing", async (t) => {
    const dashboard = await signedIn(t, "/?from=2020-01-01&to=2020-01-08&tz=UTC");
    await dashboard.find("state-empty").first().waitFor();
  });
});

describe("the report", () => {
  test("is built by choosing dimensions, metrics, filters and order; the address keeps it all", async (t) => {
    const dashboard = await signedIn(t, `/report?by=campaign&metrics=impressions&${MARCH}`);
    await showsReport(dashboard, { by: "campaign", metrics: "impressions" });

    await dashboard.groupBy("service");
    await showsReport(dashboard, { by: "campaign,service", metrics: "impressions" });
    await dashboard.addMetric("clicks");
    await showsReport(dashboard, { by: "campaign,service", metrics: "impressions,clicks" });
    await dashboard.filterBy("country", "eq", "KR");
    const filtered = { by: "campaign,service", metrics: "impressions,clicks", filter: "country:eq:KR" };
    await showsReport(dashboard, filtered);
    await dashboard.sortBy("clicks");
    await eventually(async () => assert.match(dashboard.query().get("sort") ?? "", /clicks/), 5_000);
    const sort = dashboard.query().get("sort");
    await showsReport(dashboard, { ...filtered, sort });

    await dashboard.page.reload();
    await showsReport(dashboard, { ...filtered, sort });
    await dashboard.ungroup("campaign");
    await showsReport(dashboard, { ...filtered, by: "service", sort });
    await dashboard.page.goBack();
    await showsReport(dashboard, { ...filtered, sort });
    await dashboard.page.goForward();
    await showsReport(dashboard, { ...filtered, by: "service", sort });
  });

  test("offers what can be chosen in panels that stay in the window, however far right their button is", async (t) => {
    const metrics = "impressions,clicks,ctr,conversions,cost_micros,linked_clicks";
    for (const width of [1024, 1440]) {
      for (const page of [`/report?by=campaign&metrics=${metrics}`, `/explore?rows=campaign,ad,country&metrics=${metrics}`]) {
        const dashboard = await signedIn(t, `${page}&${MARCH}`, { viewport: { width, height: 900 } });
        for (const button of ["add-metric", page.startsWith("/report") ? "add-by" : "add-row"]) {
          await dashboard.find(button).click();
          await dashboard.page.getByRole("dialog").waitFor();
          assert.deepEqual(await dashboard.stickingOut(), [], `${button} of ${page} at ${width}`);
          await dashboard.page.keyboard.press("Escape");
        }
      }
    }
  });

  test("follows the time zone", async (t) => {
    const dashboard = await signedIn(t, `/report?by=day&metrics=impressions,cost_micros&sort=day&${MARCH}`);
    const query = { by: "day", metrics: "impressions,cost_micros", sort: "day" };
    await showsReport(dashboard, query);
    await dashboard.chooseTimeZone("Asia/Seoul");
    await eventually(async () => assert.equal(dashboard.query().get("tz"), "Asia/Seoul"), 5_000);
    await showsReport(dashboard, { ...query, tz: "Asia/Seoul" });
  });

  test("downloads the CSV of the API", async (t) => {
    const query = { by: "day,campaign", metrics: "impressions,clicks,ctr", filter: "service:eq:map", sort: "-impressions,day,campaign" };
    const dashboard = await signedIn(t, `/report?${new URLSearchParams(query)}&${MARCH}`);
    await dashboard.settled("report");
    const csv = await server.admin.get("/v1/reports", { ...RANGE, tz: "UTC", ...query, format: "csv" });
    assert.equal(await dashboard.downloadCsv(), csv.text);
  });

  test("says what it does not understand of an address, and what the server refuses", async (t) => {
    const dashboard = await signedIn(t, `/report?by=planet&metrics=impressions&${MARCH}`);
    await dashboard.find("link-notice").or(dashboard.find("state-error")).first().waitFor();
  });

  test("turns pages", async (t) => {
    const query = { by: "campaign,ad,country", metrics: "impressions", sort: "campaign,ad,country" };
    const dashboard = await signedIn(t, `/report?${new URLSearchParams(query)}&limit=25&${MARCH}`);
    await showsReport(dashboard, { ...query, limit: 25 });
    await dashboard.find("page-next").click();
    await showsReport(dashboard, { ...query, limit: 25, offset: 25 });
    const { row_count } = await server.admin.report({ ...RANGE, ...query });
    assert.equal(await dashboard.find("row-count").getAttribute("data-value"), String(row_count));
    await dashboard.find("page-prev").click();
    await showsReport(dashboard, { ...query, limit: 25 });
  });
});

describe("for everybody", () => {
  test("in Korean", async (t) => {
    const dashboard = await signedIn(t, `/?${MARCH}`);
    await dashboard.find("language").selectOption("ko");
    await eventually(async () => assert.match(await dashboard.find("nav-report").innerText(), /[가-힣]/), 5_000);
    assert.match(await dashboard.find("kpi-impressions").innerText(), /[가-힣]/);
    assert.equal(await dashboard.page.locator("html").getAttribute("lang"), "ko");
    await dashboard.page.reload();
    await dashboard.settled("overview");
    assert.match(await dashboard.find("nav-report").innerText(), /[가-힣]/, "the choice must last");
  });

  test("in Korean by the language of the browser", async (t) => {
    const dashboard = await browser.open(t, server, { locale: "ko-KR" });
    await dashboard.visit("/");
    await eventually(async () => assert.match(await dashboard.find("sign-in").innerText(), /[가-힣]/), 5_000);
  });

  test("in the dark, chosen or as the system is", async (t) => {
    const brightness = (dashboard) =>
      dashboard.page.evaluate(() => {
        const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
        canvas.fillStyle = getComputedStyle(document.body).backgroundColor;
        canvas.fillRect(0, 0, 1, 1);
        return Math.max(...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3));
      });
    const dark = await signedIn(t, `/?${MARCH}`, { colorScheme: "dark" });
    assert.ok((await brightness(dark)) < 80);
    await dark.find("theme").selectOption("light");
    await eventually(async () => assert.ok((await brightness(dark)) > 200), 5_000);
  });

  test("on a phone, without scrolling sideways", async (t) => {
    const dashboard = await signedIn(t, `/?${MARCH}`, PHONE);
    await dashboard.settled("overview");
    assert.deepEqual(await dashboard.stickingOut(), [], "overview");
    await dashboard.visit(`/report?by=day,campaign,service&metrics=impressions,clicks,ctr,cost_micros&${MARCH}`);
    await dashboard.settled("report");
    assert.deepEqual(await dashboard.stickingOut(), [], "report");
    // Figures are seen beside two names, without scrolling.
    await dashboard.visit(`/report?by=day,campaign&metrics=impressions,clicks&${MARCH}`);
    await dashboard.settled("report");
    const edges = await dashboard.find("row").first().evaluate((row) =>
      ["impressions", "clicks"].map((name) => row.querySelector(`[data-col="${name}"]`).getBoundingClientRect().right));
    for (const edge of edges) assert.ok(edge <= PHONE.viewport.width, `${edge}`);
    const shown = await dashboard.find("refresh").innerText();
    await server.sender.collect([{ id: "phone", kind: "impression", advertiser: "acme", ad: "ad1", at: "2026-03-08T10:00:00Z" }]);
    await eventually(async () => assert.notEqual(await dashboard.find("refresh").innerText(), shown, "new data are announced"), 5_000);
    assert.deepEqual(await dashboard.stickingOut(), [], "report with new data announced");
    await dashboard.visit(`/?${MARCH}`);
    await dashboard.settled("overview");
    await dashboard.signOut();
    assert.deepEqual(await dashboard.stickingOut(), [], "sign-in");
  });
});
