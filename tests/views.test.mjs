// Saved views: the API, the pages, and the daily exports of some.

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
      await other.find("remove-view-sure").click();
      await eventually(async () => assert.equal(await other.find("saved-view").count(), 0), 5_000);
      assert.deepEqual((await server.admin.get("/v1/views", { scope: "advertiser:acme", kind })).json.views, []);
    });
  }
});

/** The job of an export, by its view's scope and file form. */
const jobOf = async (scope) => (await server.admin.get("/v1/jobs/definitions")).json.jobs.find(({ job, tasks }) => job.startsWith("view-export-") && tasks[0].params.scope === scope);

describe("exports of saved reports", () => {
  const PUT = { time: "06:00", format: "csv", query: { by: "campaign", metrics: "impressions,clicks" } };
  const path = (name, more = "") => `/v1/views/${name}/export${more}`;

  test("are a tenant's own: made on its page, with its figures alone", async (t) => {
    const tenant = await token("admin", "advertiser:acme");
    const dashboard = await browser.open(t, server);
    // The page asks whether there is one before it is made and after it is gone.
    dashboard.expected.push(/status of 404/);
    await dashboard.signIn(tenant, `/report?${MARCH}&by=campaign&metrics=impressions,clicks`);
    await dashboard.settled("report");
    await dashboard.find("saved-views").click();
    await dashboard.find("view-name").fill("Every campaign");
    await dashboard.find("save-view").click();
    await dashboard.find("schedule-export", dashboard.page.locator('[data-testid="saved"][data-name="Every campaign"]')).click();
    await dashboard.find("export-time").fill("05:45");
    await dashboard.find("export-start").click();
    await dashboard.find("export-none").waitFor();
    assert.match(await dashboard.find("export-when").innerText(), /05:45/);
    const job = await jobOf("advertiser:acme");
    assert.equal(job.schedule, "daily 05:45");

    // Of a day that has something; the schedule, and the button, are about yesterday.
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

    // What is there already never looks as if it were not.
    let answer;
    const answered = new Promise((resolve) => (answer = resolve));
    const isExport = ({ pathname }) => pathname.endsWith("/export");
    await dashboard.find("export-back").click();
    await dashboard.page.route(isExport, async (route) => {
      await answered;
      await route.continue();
    });
    await dashboard.find("schedule-export").click();
    await dashboard.find("state-loading", dashboard.find("export")).waitFor();
    assert.equal(await dashboard.find("export-start").count(), 0);
    answer();
    await dashboard.find("export-when").waitFor();
    await dashboard.page.unroute(isExport);

    // An analyst sees it and has its file, and changes nothing.
    const analyst = await browser.open(t, server);
    analyst.expected.push(/status of 404/);
    await analyst.signIn(await token("analyst", "advertiser:acme"), `/report?${MARCH}`);
    await analyst.find("saved-views").click();
    await analyst.find("schedule-export").click();
    await analyst.find("export-when").waitFor();
    assert.match(await analyst.find("export-when").innerText(), /05:45/);
    const [same] = await Promise.all([analyst.page.waitForEvent("download"), analyst.find("export-file").click()]);
    assert.equal(await readFile(await same.path(), "utf8"), expected.text);
    for (const id of ["export-run", "export-stop", "export-start"]) assert.equal(await analyst.find(id).count(), 0, id);

    await dashboard.find("export-run").click();
    await eventually(async () => {
      const { json } = await server.admin.get("/v1/jobs", { job: job.job });
      assert.deepEqual(json.runs.map(({ number, state }) => [number, state]), [[2, "succeeded"], [1, "succeeded"]]);
    }, 20_000);

    // Nobody else's: not by the view's name, not by the file's.
    const globex = server.admin.as(await token("admin", "advertiser:globex"));
    for (const more of ["", "/file"]) {
      isProblem(await globex.get(path("Every%20campaign", more), { scope: "advertiser:acme" }), 403, "foreign_scope");
      isProblem(await globex.get(path("Every%20campaign", more)), 404, "export_not_found");
    }
    const { result } = (await server.admin.get(`/v1/jobs/${job.job}-1/tasks/file`)).json;
    assert.match(result.key, /^exports\/views\/view-export-[0-9a-f]{32}\/2026-03-07\.csv$/);
    isProblem(await globex.get(`/v1/archive/${result.key}`), 403, "foreign_scope");

    await dashboard.find("export-stop").click();
    await dashboard.find("export-start").waitFor();
    assert.equal(await jobOf("advertiser:acme"), undefined);
    await analyst.find("no-export").waitFor();
    assert.equal(await analyst.find("export-start").count(), 0);
  });

  test("are made by admins, and cannot be about anything else", async () => {
    const acme = server.admin.as(await token("admin", "advertiser:acme"));
    await acme.put("/v1/views/morning", { kind: "report", query: "by=campaign" });
    const analyst = server.admin.as(await token("analyst", "advertiser:acme"));
    isProblem(await analyst.put(path("morning"), PUT), 403, "role_forbidden");
    isProblem(await analyst.post(path("morning")), 403, "role_forbidden");
    isProblem(await analyst.request("DELETE", path("morning"), {}), 403, "role_forbidden");
    isProblem(await acme.put(path("other"), PUT), 404, "view_not_found");
    isProblem(await acme.post(path("morning")), 404, "export_not_found");
    for (const query of [{ scope: "platform" }, { from: "2026-01-01" }, { by: "{{run}}" }]) {
      isProblem(await acme.put(path("morning"), { ...PUT, query }), 422, "invalid_field");
    }
    isProblem(await acme.put(path("morning"), { ...PUT, query: { by: "nothing" } }), 422, "unknown_dimension");
    isProblem(await acme.put(path("morning"), { ...PUT, time: "25:00" }), 422, "invalid_field");
    // A publisher does not see what an advertiser pays and gets.
    const news = server.admin.as(await token("admin", "service:news"));
    await news.put("/v1/views/ours", { kind: "report", query: "" });
    isProblem(await news.put(path("ours"), { ...PUT, query: { by: "service", metrics: "value_micros" } }), 422, "not_in_scope");
    assert.equal((await acme.put(path("morning"), PUT)).status, 200);
    const seen = await analyst.get(path("morning"));
    assert.deepEqual([seen.json.time, seen.json.format, seen.json.last], ["06:00", "csv", null]);
    isProblem(await analyst.get(path("morning", "/file")), 404, "file_not_found");
    // The view takes it along.
    assert.equal((await acme.request("DELETE", "/v1/views/morning", {})).status, 204);
    assert.equal(await jobOf("advertiser:acme"), undefined);
  });

  test("are twenty a scope", async () => {
    const acme = server.admin.as(await token("admin", "advertiser:acme"));
    const schedule = async (i) => {
      await acme.put(`/v1/views/v${i}`, { kind: "report", query: "by=campaign" });
      return acme.put(path(`v${i}`), PUT);
    };
    for (let i = 0; i < 20; i++) assert.equal((await schedule(i)).status, 200);
    isProblem(await schedule(20), 409, "too_many_exports");
    assert.equal((await schedule(3)).status, 200);
    await server.admin.put("/v1/views/ours", { kind: "report", query: "by=campaign" });
    assert.equal((await server.admin.put(path("ours"), PUT)).status, 200);
    for (let i = 0; i <= 20; i++) assert.equal((await acme.request("DELETE", `/v1/views/v${i}`, {})).status, 204);
    assert.equal(await jobOf("advertiser:acme"), undefined);
    assert.equal((await server.admin.request("DELETE", "/v1/views/ours", {})).status, 204);
  });
});
