// Saved views: the API, the pages, and the daily export of one.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";

import { eventually, isProblem } from "./api.mjs";
import { useBrowser } from "./browser.mjs";
import { useServerWithTraffic } from "./traffic.mjs";

const MARCH = "from=2026-03-01&to=2026-04-01&tz=UTC";
const ACME = `scope=advertiser:acme&${MARCH}`;

const server = useServerWithTraffic();
const browser = useBrowser();

const token = async (role, scope) => (await server.admin.post("/v1/tokens", { name: "t", role, scope })).json.token;

describe("saved views", () => {
  test("belong to a scope, and to whoever reads it", async () => {
    const acme = server.admin.as(await token("analyst", "advertiser:acme"));
    const saved = await acme.put("/v1/views/Morning%20%2F%20%EC%97%AC%EB%A6%84", { kind: "report", query: "?by=day&scope=advertiser:globex&metrics=clicks" });
    assert.equal(saved.status, 200, saved.text);
    const { saved: at, ...view } = saved.json;
    // A scope in the state is left out: a view never asks for another scope than its own.
    assert.deepEqual(view, { name: "Morning / 여름", scope: "advertiser:acme", kind: "report", query: "by=day&metrics=clicks" });
    assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000);
    const names = async (api, params) => (await api.get("/v1/views", params)).json.views.map(({ name }) => name);
    assert.deepEqual(await names(acme, { kind: "report" }), ["Morning / 여름"]);
    assert.deepEqual(await names(acme, { kind: "explore" }), []);
    assert.deepEqual(await names(server.admin, { scope: "advertiser:acme" }), ["Morning / 여름"]);
    assert.deepEqual(await names(server.admin, {}), []);
    const other = server.admin.as(await token("admin", "advertiser:globex"));
    assert.deepEqual(await names(other, {}), []);
    const path = "/v1/views/Morning%20%2F%20%EC%97%AC%EB%A6%84";
    isProblem(await other.request("GET", "/v1/views", { params: { scope: "advertiser:acme" } }), 403, "foreign_scope");
    isProblem(await other.request("PUT", path, { params: { scope: "advertiser:acme" }, body: { kind: "report", query: "" } }), 403, "foreign_scope");
    isProblem(await other.request("DELETE", path, {}), 404, "view_not_found");
    // The same name is another state, not another view.
    await acme.put(path, { kind: "explore", query: "rows=ad" });
    assert.deepEqual((await acme.get("/v1/views")).json.views.map(({ kind, query }) => [kind, query]), [["explore", "rows=ad"]]);
    assert.equal((await acme.request("DELETE", path, {})).status, 204);
    assert.deepEqual(await names(acme, {}), []);
  });

  test("are states of pages, and nothing else", async () => {
    const put = (name, body) => server.admin.put(`/v1/views/${name}`, body);
    isProblem(await put("a", { kind: "jobs", query: "" }), 422, "invalid_field");
    isProblem(await put("a", { kind: "report", query: "a=<script>" }), 422, "invalid_field");
    isProblem(await put("a", { kind: "report" }), 422, "invalid_body");
    isProblem(await put("%20", { kind: "report", query: "" }), 422, "invalid_field");
    isProblem(await put("a".repeat(201), { kind: "report", query: "" }), 422, "invalid_field");
    isProblem(await put("a", "{"), 400, "bad_json");
    isProblem(await server.admin.get("/v1/views", { kind: "jobs" }), 422, "invalid_field");
    isProblem(await server.sender.get("/v1/views"), 403, "role_forbidden");
  });

  for (const [kind, state] of [["report", "by=campaign&metrics=clicks,ctr"], ["explore", "rows=country&metrics=clicks&heat=1"], ["events", "kind=click&filter=country:eq:KR"]]) {
    test(`of the page ${kind} are saved by one browser and opened in another`, async (t) => {
      const dashboard = await browser.open(t, server);
      await dashboard.signIn(server.adminToken, `/${kind}?${ACME}&${state}`);
      await dashboard.settled(kind);
      await dashboard.find("saved-views").click();
      await dashboard.find("view-name").fill(`My ${kind}`);
      await dashboard.find("save-view").click();
      await dashboard.find("saved-view").waitFor();
      const other = await browser.open(t, server);
      await other.signIn(await token("analyst", "advertiser:acme"), `/${kind}?${MARCH}`);
      await other.settled(kind);
      await other.find("saved-views").click();
      await other.find("saved-view").click();
      for (const [name, value] of new URLSearchParams(state)) {
        await eventually(async () => assert.deepEqual(other.query().getAll(name), [value]), 5_000);
      }
      await other.settled(kind);
      assert.equal(other.query().get("from"), "2026-03-01");
      await other.find("saved-views").click();
      await other.find("remove-view").click();
      await eventually(async () => assert.equal(await other.find("saved-view").count(), 0), 5_000);
      assert.deepEqual((await server.admin.get("/v1/views", { scope: "advertiser:acme", kind })).json.views, []);
    });
  }
});

test("a saved report is exported every day, and its file is what the report says", async (t) => {
  const dashboard = await browser.open(t, server);
  // The page asks whether there is a job before it is made and after it is gone.
  dashboard.expected.push(/status of 404/);
  await dashboard.signIn(server.adminToken, `/report?${ACME}&by=campaign&metrics=impressions,clicks`);
  await dashboard.settled("report");
  await dashboard.find("saved-views").click();
  await dashboard.find("view-name").fill("Every campaign");
  await dashboard.find("save-view").click();
  await dashboard.find("schedule-export", dashboard.page.locator('[data-testid="saved"][data-name="Every campaign"]')).click();
  await dashboard.find("export-time").fill("05:45");
  await dashboard.find("export-start").click();
  await dashboard.find("export-none").waitFor();
  assert.match(await dashboard.find("export-when").innerText(), /05:45/);
  const { json } = await server.admin.get("/v1/jobs/definitions");
  const job = json.jobs.find(({ job }) => job.startsWith("export-every-campaign-"));
  assert.equal(job.schedule, "daily 05:45");

  // Of a day that has something; the schedule is about yesterday.
  const started = await server.admin.post("/v1/jobs", { job: job.job, days: ["2026-03-07"] });
  assert.equal(started.status, 202, started.text);
  const file = dashboard.find("export-file");
  await file.waitFor();
  assert.equal(await dashboard.find("export-state").getAttribute("data-state"), "succeeded");
  const [download] = await Promise.all([dashboard.page.waitForEvent("download"), file.click()]);
  const text = await readFile(await download.path(), "utf8");
  const day = { from: "2026-03-07", to: "2026-03-08", tz: "UTC", scope: "advertiser:acme", by: "campaign", metrics: "impressions,clicks", sort: "-impressions" };
  const expected = await server.admin.get("/v1/reports", { ...day, format: "csv" });
  assert.equal(text, expected.text);
  assert.ok(text.split("\n").length > 3, text);

  // Files of jobs are the platform's.
  const key = new URL(await file.getAttribute("href"), server.url).pathname;
  const acme = server.admin.as(await token("admin", "advertiser:acme"));
  isProblem(await acme.get(key), 403, "foreign_scope");
  isProblem(await server.admin.get("/v1/archive/exports/none.csv"), 404, "file_not_found");

  await dashboard.find("export-stop").click();
  await dashboard.find("export-start").waitFor();
  assert.equal((await server.admin.get(`/v1/jobs/definitions/${job.job}`)).status, 404);
});
