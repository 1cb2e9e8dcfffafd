// Jobs: runs of tasks that depend on each other end right, whatever happens to those who work on them (JOB-1).

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { eventually, isProblem } from "./api.mjs";
import { useServer } from "./server.mjs";

/** Three tasks after each other take less than a second; the rest is for a busy machine. */
const SOON_MS = 20_000;
/** What was under way is missed and done again some seconds after a restart. */
const AFTER_KILL_MS = 60_000;

const server = useServer();
const ENDED = ["succeeded", "failed"];

const echo = (id, needs = [], params = {}) => ({ id, kind: "echo", needs, params });

async function define(name, body) {
  const answer = await server.admin.put(`/v1/jobs/definitions/${name}`, body);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

/** Starts a run and answers its name. */
async function start(job, body = {}) {
  const answer = await server.admin.post("/v1/jobs", { job, ...body });
  assert.equal(answer.status, 202, answer.text);
  return answer.json.run;
}

async function show(run) {
  const answer = await server.admin.get(`/v1/jobs/${run}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

async function ended(run, within = SOON_MS) {
  let found;
  await eventually(async () => {
    found = await show(run);
    assert.ok(ENDED.includes(found.state), JSON.stringify(found));
  }, within);
  return found;
}

const run = async (job, body) => ended(await start(job, body));
const states = ({ tasks }) => Object.fromEntries(tasks.map(({ id, state }) => [id, state]));
/** Somebody who gets webhooks; what it answers is up to the test. */
class Receiver {
  calls = [];
  #answers = new Map();
  #server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const call = { path: request.url, headers: request.headers, text: Buffer.concat(chunks).toString(), at: Date.now() };
    this.calls.push(call);
    const answer = this.#answers.get(request.url) ?? (() => 200);
    const status = await answer(this.of(request.url).length);
    if (status) response.writeHead(status).end(`${status} of ${request.url}`);
  });

  async start() {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** `answer` gets how often this path was called, and gives a status, or none at all for a while. */
  on(path, answer) {
    this.#answers.set(path, answer);
  }

  of(path) {
    return this.calls.filter((call) => call.path === path);
  }

  task(id, needs = [], { path = `/${id}`, ...fields } = {}) {
    const { port } = this.#server.address();
    return { id, kind: "webhook", needs, params: { url: `http://127.0.0.1:${port}${path}`, body: { task: id, run: "{{run}}" } }, ...fields };
  }
}

const receiver = new Receiver();
before(() => receiver.start());
after(() => receiver.stop());

const task = async (run, id) => (await server.admin.get(`/v1/jobs/${run}/tasks/${id}`)).json;

describe("runs", () => {
  test("tasks run after what they need and after all that it spawned", async () => {
    const leaf = (id) => ({ id, params: { say: id } });
    await define("tree", {
      tasks: [
        echo("plan", [], { say: "{{day}}", spawn: [{ id: "a", params: { spawn: [leaf("a/1"), leaf("a/2")] } }, { id: "b", needs: ["a"] }] }),
        echo("finish", ["plan"], { results: "a" }),
      ],
    });
    const begun = Date.now();
    const found = await run("tree", { days: ["2026-03-01"] });
    assert.deepEqual([found.state, found.job, found.number, found.cancelled], ["succeeded", "tree", 1, false]);
    assert.deepEqual(states(found), { plan: "succeeded", finish: "succeeded", a: "succeeded", b: "succeeded", "a/1": "succeeded", "a/2": "succeeded" });
    const at = (id, what) => Date.parse(found.tasks.find((task) => task.id === id)[what]);
    for (const [first, second] of [["plan", "a"], ["a", "a/1"], ["a/1", "b"], ["a/2", "b"], ["b", "finish"]]) {
      assert.ok(at(first, "ended") <= at(second, "started"), `${first} before ${second}`);
    }
    assert.deepEqual(found.tasks.map(({ attempts, error }) => [attempts, error]), Array(6).fill([1, null]));
    assert.deepEqual(found.tasks.find(({ id }) => id === "a/1").spawned_by, "a");
    const { params, result, log } = await task(found.run, "plan");
    assert.deepEqual([params.say, result.said], ["2026-03-01", "2026-03-01"]);
    assert.match(log[0].text, /plan of run tree-1, number 1: 2026-03-01/);
    const all = (await task(found.run, "finish")).result.results;
    assert.deepEqual(all.map(([id, result]) => [id, JSON.parse(result).said]), [["a", ""], ["a/1", "a/1"], ["a/2", "a/2"]]);
    assert.equal((await task(found.run, "a%2F1")).id, "a/1");
    assert.ok(Date.now() - begun < SOON_MS);
  });

  test("a task that fails is tried again, and what depends on one that failed for good is not", async () => {
    receiver.on("/flaky", (times) => (times < 3 ? 503 : 200));
    receiver.on("/gone", () => 410);
    await define("flaky", {
      tasks: [receiver.task("flaky"), receiver.task("after", ["flaky"]), receiver.task("gone"), receiver.task("never", ["gone"]), receiver.task("nor this", ["never"])],
    });
    const found = await run("flaky");
    assert.equal(found.state, "failed");
    assert.deepEqual(states(found), { flaky: "succeeded", after: "succeeded", gone: "failed", never: "upstream_failed", "nor this": "upstream_failed" });
    assert.deepEqual(found.counts, { succeeded: 2, failed: 1, upstream_failed: 2 });
    const by = Object.fromEntries(found.tasks.map((task) => [task.id, task]));
    assert.deepEqual([by.flaky.attempts, by.flaky.error, by.gone.attempts, by.never.attempts], [3, null, 1, 0]);
    assert.match(by.gone.error, /answered 410/);
    const [first, second, third] = receiver.of("/flaky").map(({ at }) => at);
    assert.ok(second - first >= 400 && third - second >= 900, "it waits longer each time");
    const { log } = await task(found.run, "flaky");
    assert.match(log.map(({ text }) => text).join("\n"), /answered 503[^]*again in \d+ ms[^]*answered 200/);

    // Repaired, the run goes on where it failed.
    receiver.on("/gone", () => 200);
    const retried = await server.admin.post(`/v1/jobs/${found.run}/retry`, { task: null });
    assert.equal(retried.status, 202, retried.text);
    const again = await ended(found.run);
    assert.deepEqual([again.state, again.counts], ["succeeded", { succeeded: 5 }]);
    assert.equal(receiver.of("/after").length, 1);
    isProblem(await server.admin.post(`/v1/jobs/${found.run}/retry`, {}), 409, "wrong_state", /no task/);

    // One task by hand, with all that depends on it and nothing else.
    assert.equal((await server.admin.post(`/v1/jobs/${found.run}/retry`, { task: "never" })).status, 202);
    assert.equal((await ended(found.run)).state, "succeeded");
    const counts = ["/flaky", "/after", "/gone", "/never", "/nor%20this"].map((path) => receiver.of(path).length);
    assert.deepEqual(counts, [3, 1, 2, 2, 2]);
  });

  test("an attempt that takes too long is given up, and is not heard any more", async () => {
    receiver.on("/slow", async (times) => (times === 1 ? void (await sleep(8_000)) : 200));
    await define("slow", { tasks: [receiver.task("slow", [], { timeout_s: 1 })] });
    const found = await run("slow");
    assert.deepEqual([found.state, found.tasks[0].attempts], ["succeeded", 2]);
    const { log } = await task(found.run, "slow");
    assert.match(log.map(({ text }) => text).join("\n"), /no end after 1 s/);
  });

  test("a cancelled run ends at once, and can be taken up again", async () => {
    receiver.on("/stuck", async (times) => (times === 1 ? void (await sleep(20_000)) : 200));
    await define("stuck", { tasks: [receiver.task("stuck"), receiver.task("later", ["stuck"])] });
    const name = await start("stuck");
    await eventually(() => assert.equal(receiver.of("/stuck").length, 1), SOON_MS);
    const cancelled = await server.admin.post(`/v1/jobs/${name}/cancel`);
    assert.equal(cancelled.status, 202, cancelled.text);
    assert.deepEqual([cancelled.json.state, cancelled.json.cancelled, states(cancelled.json)], ["failed", true, { stuck: "failed", later: "skipped" }]);
    isProblem(await server.admin.post(`/v1/jobs/${name}/cancel`), 409, "wrong_state", /has ended/);
    assert.equal((await server.admin.post(`/v1/jobs/${name}/retry`)).status, 202);
    const found = await ended(name);
    assert.deepEqual([found.state, found.cancelled, states(found)], ["succeeded", false, { stuck: "succeeded", later: "succeeded" }]);
  });

  test("a task that spawns what is there already fails, and says so", async () => {
    await define("twice", { tasks: [echo("a", [], { spawn: [{ id: "b" }] }), echo("b")] });
    const found = await run("twice");
    assert.deepEqual(states(found), { a: "failed", b: "succeeded" });
    assert.match(found.tasks[0].error, /more than one task "b"/);
  });
});

describe("kill -9", () => {
  test("JOB-1: a runtime that is killed again and again ends its run right", async () => {
    const wide = (stage) => Array.from({ length: 6 }, (_, i) => ({ id: `${stage}${i}`, i, stage }));
    const needs = (stage) => (stage === "a" ? [] : wide("a").map(({ id }) => id));
    const tasks = ["a", "b"].flatMap((stage) => wide(stage).map(({ id }) => receiver.task(id, needs(stage), { path: `/kill/${id}` })));
    // Slow enough to be killed in the middle, however many are done at once.
    for (const { params } of tasks) receiver.on(new URL(params.url).pathname, (times) => sleep(times === 1 ? 4_000 : 700, 200));
    await define("kill", { tasks: [...tasks, echo("end", wide("b").map(({ id }) => id), { spawn: [{ id: "more" }] })] });
    const name = await start("kill");
    let kills = 0;
    for (; kills < 4; kills++) {
      await sleep(300 + Math.random() * 1_500);
      if (ENDED.includes((await show(name)).state)) break;
      await server.restart();
    }
    assert.ok(kills >= 2, `${kills} kills tested nothing`);
    const begun = Date.now();
    const found = await ended(name, AFTER_KILL_MS);
    assert.deepEqual([found.state, found.counts], ["succeeded", { succeeded: 14 }], JSON.stringify(found));
    assert.ok(found.tasks.some(({ attempts }) => attempts > 1), "no task was killed");
    const at = (id, what) => Date.parse(found.tasks.find((task) => task.id === id)[what]);
    for (const { id: first } of wide("a")) for (const { id: second } of wide("b")) assert.ok(at(first, "ended") <= at(second, "started"));
    assert.ok(Date.now() - begun < 30_000, `${Date.now() - begun} ms after the last kill`);
  });

  test("a run that waits for nothing but an alarm goes on by itself", async () => {
    receiver.on("/alone", (times) => (times === 1 ? 503 : 200));
    await define("alone", { tasks: [receiver.task("alone")] });
    await start("alone");
    await eventually(() => assert.equal(receiver.of("/alone").length, 1), SOON_MS);
    await server.restart();
    // Nobody asks for anything meanwhile.
    await eventually(() => assert.ok(receiver.of("/alone").length > 1), AFTER_KILL_MS);
  });
});

describe("jobs", () => {
  const definition = async (name) => (await server.admin.get(`/v1/jobs/definitions/${name}`)).json;

  test("a backfill has a run for each day, one after the other", async () => {
    await define("daily", { tasks: [echo("say", [], { say: "{{day}} to {{next_day}}, {{who}}" })] });
    const answer = await server.admin.post("/v1/jobs", { job: "daily", from: "2026-02-27", to: "2026-03-02", params: { who: "kim" } });
    assert.equal(answer.status, 202, answer.text);
    assert.deepEqual([answer.json.run, answer.json.runs], ["daily-1", ["daily-1", "daily-2", "daily-3"]]);
    const all = await Promise.all(answer.json.runs.map((run) => ended(run)));
    assert.deepEqual(all.map(({ state, params }) => [state, params]), ["2026-02-27", "2026-02-28", "2026-03-01"].map((day) => ["succeeded", { day, who: "kim" }]));
    for (let i = 1; i < all.length; i++) assert.ok(Date.parse(all[i - 1].ended) <= Date.parse(all[i].started), "one at a time");
    assert.equal((await task("daily-2", "say")).result.said, "2026-02-28 to 2026-03-01, kim");
    const listed = (await server.admin.get("/v1/jobs", { job: "daily", limit: 2 })).json.runs;
    assert.deepEqual(listed.map(({ run, tasks }) => [run, tasks.length]), [["daily-3", 1], ["daily-2", 1]]);
    isProblem(await server.admin.post("/v1/jobs", { job: "daily" }), 422, "invalid_field", /who/);
  });

  test("a paused job begins nothing until it is resumed", async () => {
    await define("paused", { tasks: [echo("a")], paused: true });
    const name = await start("paused");
    await sleep(1_500);
    assert.equal((await show(name)).state, "queued");
    await define("paused", { paused: false });
    assert.equal((await ended(name)).state, "succeeded");
  });

  test("a schedule starts runs, as does the trigger of the platform, once for a time", async () => {
    const job = await define("cron", { tasks: [echo("a", [], { say: "{{day}}" })], schedule: "15 4 * * *" });
    const next = new Date(job.next);
    assert.deepEqual([next.getUTCHours(), next.getUTCMinutes()], [4, 15]);
    const pull = async (cron, time) => {
      const answer = await fetch(`${server.url}/cdn-cgi/local/scheduled?cron=${encodeURIComponent(cron)}&time=${time}`);
      assert.equal(answer.status, 200, await answer.text());
    };
    const time = Date.UTC(2026, 2, 2, 4, 15);
    for (let n = 0; n < 2; n++) await pull("15 4 * * *", time);
    assert.equal((await ended("cron-1")).params.day, "2026-03-01");
    assert.equal((await definition("cron")).runs, 1);
    // The trigger that wrangler.toml names is that of the batch.
    const { schedule, built_in } = await definition("batch");
    assert.deepEqual([schedule, built_in], ["0 3 * * *", true]);
    await pull("0 3 * * *", Date.now());
    await eventually(async () => assert.equal((await definition("batch")).runs, 1), SOON_MS);
    await define("batch", { paused: true });
    assert.equal((await definition("batch")).next, null);
    await pull("0 3 * * *", Date.now());
    assert.equal((await definition("batch")).runs, 1);
    await define("cron", { schedule: null });
    assert.equal((await definition("cron")).schedule, null);
  });

  test("every minute is every minute", async () => {
    await define("minutely", { tasks: [echo("a")], schedule: "* * * * *" });
    await eventually(async () => assert.ok((await definition("minutely")).runs >= 1), 75_000);
    await define("minutely", { paused: true });
  });

  test("a job that is removed leaves its runs and their numbers", async () => {
    const tasks = [echo("a")];
    await define("brief", { tasks });
    await run("brief");
    assert.equal((await server.admin.delete("/v1/jobs/definitions/brief")).status, 204);
    isProblem(await server.admin.get("/v1/jobs/definitions/brief"), 404, "job_not_found", /brief/);
    isProblem(await server.admin.delete("/v1/jobs/definitions/brief"), 404, "job_not_found", /brief/);
    assert.equal((await show("brief-1")).state, "succeeded");
    await define("brief", { tasks });
    assert.equal(await start("brief"), "brief-2");
    isProblem(await server.admin.delete("/v1/jobs/definitions/batch"), 409, "built_in_job");
  });
});

describe("kinds", () => {
  const MINUTE = 60_000;
  const START = Date.UTC(2026, 3, 1, 10);
  const query = { from: "{{day}}", to: "{{next_day}}", tz: "UTC", metrics: "impressions,clicks,ctr" };
  const scope = "advertiser:kinds";

  before(async () => {
    const own = { advertiser: "kinds", campaign: "spring", ad: "banner", user: "kim" };
    const impressions = Array.from({ length: 4 }, (_, i) => ({ ...own, kind: "impression", id: `i${i}`, at: START + i * MINUTE }));
    await server.sender.collect([...impressions, { ...own, kind: "click", id: "c", at: START + 5 * MINUTE, impression: "i0" }]);
    await eventually(async () => {
      const totals = await server.admin.totals({ scope, from: "2026-04-01", to: "2026-04-02", metrics: "clicks" });
      assert.deepEqual(totals, { clicks: 1 });
    }, SOON_MS);
  });

  test("a webhook is signed, carries its body, and the same key each time", async () => {
    receiver.on("/signed", (times) => (times === 1 ? 500 : 200));
    await define("signed", { tasks: [receiver.task("signed")] });
    const { key } = (await server.admin.get("/v1/jobs/webhook_key")).json;
    const found = await run("signed");
    const calls = receiver.of("/signed");
    assert.deepEqual(calls.map(({ headers }) => headers["idempotency-key"]), Array(2).fill(`${found.run}/signed`));
    for (const { headers, text } of calls) {
      const [, seconds, signature] = headers["x-adtally-signature"].match(/^t=(\d+),v1=([0-9a-f]{64})$/);
      assert.equal(createHmac("sha256", key).update(`${seconds}.${text}`).digest("hex"), signature);
      assert.ok(Math.abs(Date.now() / 1_000 - seconds) < 60);
      assert.deepEqual(JSON.parse(text), { task: "signed", run: found.run });
    }
    assert.deepEqual((await task(found.run, "signed")).result, { status: 200, answer: "200 of /signed" });
    // Where to is known when it runs.
    await define("nowhere", { tasks: [{ id: "t", kind: "webhook", params: { url: "{{where}}" } }] });
    for (const where of ["ftp://example.com/", "nonsense"]) {
      const refused = await run("nowhere", { params: { where } });
      assert.deepEqual(refused.tasks.map(({ state, attempts }) => [state, attempts]), [["failed", 1]]);
    }
  });

  test("a ledger is handed on, each entry once, whatever the receiver answers", async () => {
    const cost = (id) => ({ id, kind: "impression", advertiser: "billed", ad: "a", cost_micros: 1_000 });
    const inLedger = (count) =>
      eventually(async () => {
        const { json } = await server.admin.get("/v1/billing/entries", { advertiser: "billed" });
        assert.equal(json.entries.length, count);
      }, SOON_MS);
    await server.sender.collect(["e1", "e2", "e3"].map(cost));
    await inLedger(3);
    receiver.on("/bill", (times) => (times === 1 ? 503 : 200));
    const { params, ...rest } = receiver.task("bill");
    await define("bill", { tasks: [{ ...rest, kind: "bill", params: { url: params.url, advertiser: "billed", name: "billed-1" } }] });
    assert.equal((await run("bill")).state, "succeeded");
    assert.equal((await run("bill")).state, "succeeded");
    await server.sender.collect([cost("e4")]);
    await inLedger(4);
    assert.equal((await run("bill")).state, "succeeded");
    const pages = receiver.of("/bill").map(({ headers, text }) => ({ key: headers["idempotency-key"], entries: JSON.parse(text).entries }));
    assert.deepEqual(pages.map(({ entries }) => entries.map(({ event }) => event.id ?? event).length), [3, 3, 1]);
    assert.equal(pages[0].key, pages[1].key);
    const ids = pages.slice(1).flatMap(({ entries }) => entries.map(({ id }) => id));
    const { json } = await server.admin.get("/v1/billing/entries", { advertiser: "billed" });
    assert.deepEqual(ids, json.entries.map(({ id }) => id));
  });

  test("an export is a report as a file", async () => {
    await define("export", { tasks: [{ id: "csv", kind: "export", params: { scope, name: "kinds/{{day}}.csv", query: { ...query, by: "campaign" } } }] });
    const found = await run("export", { days: ["2026-04-01"] });
    assert.equal(found.state, "succeeded", JSON.stringify(found.tasks));
    const csv = "campaign,impressions,clicks,ctr\r\nspring,4,1,0.25\r\n";
    assert.deepEqual((await task(found.run, "csv")).result, { key: "exports/kinds/2026-04-01.csv", rows: 1, bytes: csv.length });
    const folder = join(server.state, "v3", "r2", "adtally-store", "blobs");
    assert.ok(readdirSync(folder).some((file) => readFileSync(join(folder, file), "utf8") === csv));
  });

  test("a check fails the run with what is wrong", async () => {
    const check = (id, metric, bounds, more = {}) => ({ id, kind: "check", params: { scope, metric, ...bounds, query: { ...query, ...more } } });
    await define("check", {
      tasks: [
        check("fine", "ctr", { min: 0.2, max: 0.3 }),
        check("few", "impressions", { min: 1_000 }),
        check("each", "clicks", { max: 0 }, { by: "campaign" }),
        echo("publish", ["few"]),
      ],
    });
    const found = await run("check", { days: ["2026-04-01"] });
    assert.deepEqual(states(found), { fine: "succeeded", few: "failed", each: "failed", publish: "upstream_failed" });
    const errors = Object.fromEntries(found.tasks.map(({ id, error }) => [id, error]));
    assert.equal(errors.few, "impressions must be at least 1000: it is 4");
    assert.equal(errors.each, "clicks must be at most 0: 1 for spring");
  });

  test("a check may be a statement, of which a figure of the first row counts", async () => {
    const day = "day = DATE '{{day}}'";
    const check = (id, sql, bounds, more = {}) => ({ id, kind: "check", params: { scope, sql, ...bounds, ...more } });
    const by = `SELECT campaign, SUM(clicks) AS clicks, SUM(impressions) AS shown FROM ad_stats WHERE ${day} GROUP BY campaign`;
    await define("statements", {
      tasks: [
        check("fine", `SELECT SUM(clicks) * 1.0 / SUM(impressions) FROM ad_stats WHERE ${day}`, { min: 0.25, max: 0.25 }),
        check("named", `${by} ORDER BY 1`, { min: 4 }, { column: "SHOWN" }),
        check("parameter", `SELECT SUM(impressions) FROM ad_stats WHERE ${day} AND campaign = ?`, { min: 4 }, { params: ["spring"] }),
        check("few", `SELECT SUM(clicks) AS clicks FROM ad_stats WHERE ${day}`, { min: 1_000 }),
        check("none", `SELECT SUM(clicks) FROM ad_stats WHERE campaign = 'nobody'`, { max: 1_000 }),
        check("nobody", `SELECT clicks FROM ad_stats WHERE campaign = 'nobody'`, { max: 1_000 }),
        check("others", "SELECT COUNT(*) AS n FROM ad_stats", { max: 0 }, { scope: "advertiser:nobody" }),
        echo("publish", ["few"]),
      ],
    });
    const found = await run("statements", { days: ["2026-04-01"] });
    assert.deepEqual(states(found), {
      fine: "succeeded", named: "succeeded", parameter: "succeeded", others: "succeeded", few: "failed", none: "failed", nobody: "failed", publish: "upstream_failed",
    }, JSON.stringify(found.tasks));
    const errors = Object.fromEntries(found.tasks.map(({ id, error }) => [id, error]));
    assert.equal(errors.few, "clicks must be at least 1000: it is 1");
    assert.match(errors.none, /must be at most 1000: it is nothing/);
    assert.match(errors.nobody, /must be at most 1000: there is no row/);
  });

  test("what could only fail is refused when a job is made", async () => {
    const refused = async (kind, params, about) => {
      const answer = await server.admin.put("/v1/jobs/definitions/never", { tasks: [echo("a"), { id: "b", kind, params }] });
      isProblem(answer, 422, "invalid_field", about);
      assert.match(answer.json.detail, /task "b"/);
    };
    const bounds = { min: 1 };
    await refused("webhook", {}, /url/);
    await refused("webhook", { url: "ftp://example.com" }, /ftp/);
    await refused("export", { name: "a.csv", query: { metrics: "nope" } }, /nope/);
    await refused("export", { name: "a.csv", scope: "service:news", query: { ...query, by: "campaign" } }, /campaign/);
    await refused("check", { query, metric: "reach", ...bounds }, /does not name reach/);
    await refused("check", { query, metric: "ctr" }, /neither min nor max/);
    await refused("check", { sql: "SELECT 1", query, metric: "ctr", ...bounds }, /either query and metric, or sql/);
    await refused("check", { sql: "SELECT nothing FROM ad_stats", ...bounds }, /line 1, column 8: there is no column "nothing"/);
    await refused("check", { sql: "SELECT campaign FROM ad_stats", scope: "service:news", ...bounds }, /"campaign"/);
    await refused("check", { sql: "DELETE FROM ad_stats", ...bounds }, /statements only read/);
    await refused("check", { sql: "SELECT campaign FROM ad_stats", ...bounds }, /is varchar, not a number/);
    await refused("check", { sql: "SELECT 1 AS a", column: "b", ...bounds }, /no column "b"/);
    const nowhere = { id: "b", kind: "check", params: { sql: "SELECT 1", tz: "Mars/Olympus", ...bounds } };
    isProblem(await server.admin.put("/v1/jobs/definitions/never", { tasks: [nowhere] }), 422, "sql_bad_value", /Mars/);
    await refused("check", { sql: "SELECT SUM(clicks) FROM ad_stats WHERE day = '{{day}}' AND ad = ?", ...bounds }, /parameters/);
    isProblem(await server.admin.get("/v1/jobs/definitions/never"), 404, "job_not_found");
  });
});

describe("who may, and what may not be", () => {
  const seenBy = async (role, scope) => {
    const created = await server.admin.post("/v1/tokens", { name: `${role} of ${scope}`, role, scope });
    assert.equal(created.status, 201, created.text);
    return server.admin.as(created.json.token);
  };

  test("the platform's analysts look, its admins do, nobody else does either", async () => {
    await define("mine", { tasks: [echo("a")] });
    const { run: name } = await run("mine");
    const looks = ["/v1/jobs", `/v1/jobs/${name}`, `/v1/jobs/${name}/tasks/a`, "/v1/jobs/definitions", "/v1/jobs/definitions/mine"];
    const does = [
      ["POST", "/v1/jobs", { job: "mine" }],
      ["POST", `/v1/jobs/${name}/retry`, {}],
      ["POST", `/v1/jobs/${name}/cancel`],
      ["PUT", "/v1/jobs/definitions/mine", { paused: true }],
      ["DELETE", "/v1/jobs/definitions/mine"],
      ["GET", "/v1/jobs/webhook_key"],
    ];
    const ask = (api, [method, path, body]) => api.request(method, path, { body });
    const analyst = await seenBy("analyst", "platform");
    for (const path of looks) assert.equal((await analyst.get(path)).status, 200, path);
    for (const call of does) isProblem(await ask(analyst, call), 403, "role_forbidden");
    for (const scope of ["advertiser:acme", "service:news"]) {
      const admin = await seenBy("admin", scope);
      for (const path of [...looks, "/v1/jobs/nothing-1"]) isProblem(await admin.get(path), 403, "foreign_scope");
      for (const call of does) isProblem(await ask(admin, call), 403, "foreign_scope");
    }
    for (const path of looks) isProblem(await server.admin.as(undefined).get(path), 401, "unauthorized");
    isProblem(await server.sender.get("/v1/jobs"), 403, "role_forbidden");
  });

  test("what is asked wrongly is refused, and says why", async () => {
    const { admin } = server;
    isProblem(await admin.post("/v1/jobs", { job: "bach" }), 422, "unknown_job", /batch/);
    isProblem(await admin.post("/v1/jobs", { job: "batch", days: ["yesterday"] }), 422, "invalid_field", /yesterday/);
    isProblem(await admin.post("/v1/jobs", { job: "batch", days: [] }), 422, "invalid_field", /0 days/);
    isProblem(await admin.post("/v1/jobs", { job: "batch", from: "2026-01-02", to: "2026-01-01" }), 422, "invalid_field", /no day/);
    isProblem(await admin.post("/v1/jobs", { job: "batch", from: "2026-01-02" }), 422, "invalid_field", /from and to/);
    isProblem(await admin.post("/v1/jobs", { job: "batch", day: 1 }), 422, "invalid_body", /day/);
    isProblem(await admin.post("/v1/jobs", "{", { "content-type": "application/json" }), 400, "bad_json");
    for (const name of ["batch-999", "batch", "nothing-1", "batch-01"]) isProblem(await admin.get(`/v1/jobs/${name}`), 404, "run_not_found");
    isProblem(await admin.post("/v1/jobs/batch-999/retry", {}), 404, "run_not_found");
    isProblem(await admin.get("/v1/jobs", { state: "done" }), 422, "unknown_state", /succeeded/);
    isProblem(await admin.get("/v1/jobs", { limit: 0 }), 422, "bad_limit");
    const { run: name } = await run("mine");
    isProblem(await admin.get(`/v1/jobs/${name}/tasks/b`), 404, "task_not_found", /"b"/);
    isProblem(await admin.post(`/v1/jobs/${name}/retry`, { task: "b" }), 404, "task_not_found", /"b"/);
    const put = (body, name = "other") => admin.put(`/v1/jobs/definitions/${name}`, body);
    isProblem(await put({ tasks: [{ id: "a", kind: "plan" }] }), 422, "invalid_field", /webhook/);
    isProblem(await put({ tasks: [echo("a", ["b"]), echo("b", ["a"])] }), 422, "invalid_field", /itself/);
    isProblem(await put({ tasks: [echo("a")], schedule: "soon" }), 422, "invalid_field", /soon/);
    isProblem(await put({ tasks: [echo("a")] }, "Upper"), 422, "invalid_field", /Upper/);
    isProblem(await put({ paused: true }), 404, "job_not_found", /other/);
    isProblem(await put({ tasks: [echo("a")] }, "batch"), 409, "built_in_job");
  });
});
