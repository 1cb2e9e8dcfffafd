// What goes out to others: postbacks to partners, billing to a Kafka REST proxy, reports on a schedule.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";

import { eventually, isProblem } from "./api.mjs";
import { useServer } from "./server.mjs";

const server = useServer();
const SOON_MS = 20_000;
const calls = [];
/** By path: what is answered, with how often it was asked. */
const answers = new Map();
const receiver = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const url = new URL(request.url, "http://receiver");
  const call = { path: url.pathname, url: request.url, params: Object.fromEntries(url.searchParams), method: request.method, headers: request.headers, text: Buffer.concat(chunks).toString() };
  calls.push(call);
  const answer = answers.get(url.pathname) ?? (() => ({}));
  const { status = 200, body = "thanks", type = "text/plain" } = answer(call, of(url.pathname).length);
  response.writeHead(status, { "content-type": type }).end(body);
});
const of = (path) => calls.filter((call) => call.path === path);
let base;

before(async () => {
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  base = `http://127.0.0.1:${receiver.address().port}`;
});
after(() => {
  receiver.closeAllConnections();
  receiver.close();
});

const define = async (job, tasks, fields = {}) => {
  const answer = await server.admin.put(`/v1/jobs/definitions/${job}`, { tasks, ...fields });
  assert.equal(answer.status, 200, answer.text);
};

async function run(job) {
  const started = await server.admin.post("/v1/jobs", { job });
  assert.equal(started.status, 202, started.text);
  const id = started.json.runs?.[0] ?? started.json.run;
  return ended(id);
}

async function ended(id) {
  let found;
  await eventually(async () => {
    found = (await server.admin.get(`/v1/jobs/${id}`)).json;
    assert.ok(["succeeded", "failed"].includes(found.state), found.state);
  }, 60_000);
  return found;
}

describe("postbacks", () => {
  const now = () => Date.now();
  const chain = (n, service, fields = {}) => {
    const own = { advertiser: "partner", user: `u${n}`, service };
    return [
      { ...own, kind: "impression", id: `i${n}`, at: now() - 3_000, ad: "banner", campaign: "spring", placement: "top" },
      { ...own, kind: "click", id: `c${n}`, at: now() - 2_000, impression: `i${n}` },
      { ...own, kind: "conversion", id: `v${n}`, at: now() - 1_000, click: `c${n}`, label: "buy & go", value_micros: 1_250_000, service: undefined, ...fields },
    ];
  };
  const task = (name, path, fields = {}) => ({
    id: "tell",
    kind: "postback",
    attempts: 2,
    params: { name, advertiser: "partner", settle_s: 0, url: `${base}${path}?click={click_id}&label={label}&v={value}&id={id}&s={service}`, ...fields },
  });
  const told = async (name) => (await server.admin.get(`/v1/postbacks/${name}`)).json;
  const conversions = (path) => of(path).map(({ params }) => params.click).toSorted();
  /** The conversions are known to be linked. */
  const linked = (count) =>
    eventually(async () => {
      const { json } = await server.admin.get("/v1/events", { advertiser: "partner", kind: "conversion" });
      assert.equal(json.events.filter(({ through }) => through === "click").length, count);
    }, SOON_MS);

  test("each conversion of a click is told once, with its macros, and the others are not", async () => {
    await server.sender.collect([...chain(1, "news"), ...chain(2, "shop"), ...chain(3, "news", { click: undefined, user: "nobody" })]);
    await linked(2);
    await define("news", [task("news", "/news", { service: "news" })]);
    for (let n = 0; n < 2; n++) assert.equal((await run("news")).state, "succeeded");
    const [call, ...more] = of("/news");
    assert.deepEqual(more, []);
    assert.deepEqual(call.params, { click: "c1", label: "buy & go", v: "1.250000", id: "partner/v1", s: "news" });
    assert.deepEqual([call.method, call.headers["idempotency-key"]], ["GET", "partner/v1"]);
    const { key } = (await server.admin.get("/v1/jobs/webhook_key")).json;
    const [, seconds, signature] = call.headers["x-adtally-signature"].match(/^t=(\d+),v1=([0-9a-f]{64})$/);
    assert.equal(createHmac("sha256", key).update(`${seconds}.`).digest("hex"), signature);
    const { sent, rejected } = await told("news");
    assert.deepEqual([sent, rejected], [1, []]);
  });

  test("who cannot take it now gets it later, and who refuses it is listed", async () => {
    answers.set("/all", ({ params }, times) => (params.click === "c1" ? { status: 410, body: "unknown click" } : { status: times < 4 ? 503 : 200 }));
    await define("all", [task("all", "/all", { method: "POST" })]);
    const first = await run("all");
    // Two attempts, each of which finds the partner down.
    assert.deepEqual([first.state, first.tasks[0].attempts], ["failed", 2]);
    assert.equal((await run("all")).state, "succeeded");
    assert.deepEqual(conversions("/all"), ["c1", "c2", "c2", "c2"]);
    const keys = of("/all").slice(1).map(({ headers }) => headers["idempotency-key"]);
    assert.deepEqual(keys, Array(3).fill("partner/v2"));
    const { conversion_id, click_id, value_micros, campaign } = JSON.parse(of("/all").at(-1).text);
    assert.deepEqual([conversion_id, click_id, value_micros, campaign], ["v2", "c2", "1250000", "spring"]);
    const { sent, rejected } = await told("all");
    assert.deepEqual([sent, rejected.length], [1, 1]);
    assert.equal(rejected[0].id, "partner/v1");
    assert.match(rejected[0].reason, /410: unknown click/);
    await server.sender.collect(chain(4, "news"));
    await linked(3);
    assert.equal((await run("all")).state, "succeeded");
    assert.deepEqual(conversions("/all"), ["c1", "c2", "c2", "c2", "c4"]);
    assert.equal((await told("all")).sent, 2);
  });

  test("what was refused is sent again when an operator says so, and stays in the list until it is taken", async () => {
    const replay = (body, name = "all") => server.admin.post(`/v1/postbacks/${name}/replay`, body);
    const refused = async () => (await told("all")).rejected.map(({ id, reason }) => [id, reason.match(/\d{3}: .*$/)[0]]);
    const before = of("/all").length;
    answers.set("/all", ({ params }) => (params.click === "c1" ? { status: 404, body: "still unknown" } : {}));
    const first = await replay({ ids: ["partner/v1"] });
    assert.deepEqual([first.status, first.json.refused], [202, 1], first.text);
    assert.equal((await ended(first.json.run)).state, "succeeded");
    assert.deepEqual(await refused(), [["partner/v1", "404: still unknown"]]);
    // A partner that is down fails the run; what was asked for waits for the next one, with the template of then.
    answers.set("/all", () => ({ status: 503 }));
    assert.equal((await ended((await replay()).json.run)).state, "failed");
    assert.equal((await refused()).length, 1);
    await define("all", [task("all", "/moved", { method: "POST" })]);
    assert.equal((await run("all")).state, "succeeded");
    assert.deepEqual(await refused(), []);
    assert.deepEqual(of("/moved").map(({ params, headers }) => [params.click, headers["idempotency-key"]]), [["c1", "partner/v1"]]);
    assert.deepEqual(of("/all").slice(before).map(({ params }) => params.click), ["c1", "c1", "c1"]);
    assert.equal((await told("all")).sent, 3);
    // Nothing is left to send, and saying it again does no harm.
    const last = await replay({});
    assert.deepEqual([last.status, last.json.refused], [202, 0], last.text);
    assert.equal((await ended(last.json.run)).state, "succeeded");
    assert.equal(of("/moved").length, 1);
    isProblem(await replay({ ids: ["partner/v1"] }), 422, "postback_not_refused", /partner\/v1/);
    isProblem(await replay({ id: "x" }), 422, "invalid_body");
    isProblem(await replay({}, "nobody"), 404, "postback_not_found");
    assert.equal((await server.admin.delete("/v1/jobs/definitions/all")).status, 204);
    isProblem(await replay({}), 409, "postback_without_job", /all/);
    isProblem(await server.sender.post("/v1/postbacks/all/replay", {}), 403, "role_forbidden");
  });

  test("what is not settled waits, and what cannot be is said", async () => {
    await define("later", [task("later", "/later", { settle_s: 3_600 })]);
    assert.equal((await run("later")).state, "succeeded");
    assert.deepEqual(of("/later"), []);
    for (const url of ["https://{service}.example/", "https://partner.example/{who}", "ftp://partner.example/"]) {
      await define("wrong", [task("wrong", "/", { url })]);
      const { state, tasks } = await run("wrong");
      assert.deepEqual([state, tasks[0].attempts], ["failed", 1], url);
    }
    isProblem(await server.admin.get("/v1/postbacks/wrong"), 404, "postback_not_found");
    isProblem(await server.sender.get("/v1/postbacks/news"), 403, "role_forbidden");
  });
});

test("billing goes to a Kafka REST proxy, each entry under its charge", async () => {
  const cost = (id) => ({ id, kind: "impression", advertiser: "rest", ad: "a", cost_micros: 1_000 });
  const ledger = async () => (await server.admin.get("/v1/billing/entries", { advertiser: "rest" })).json.entries;
  const topic = [];
  // As the proxy's documentation says: offsets by record, errors by record, problems with codes of five digits.
  answers.set("/topics/billing", ({ headers, text }, times) => {
    assert.equal(headers["content-type"], "application/vnd.kafka.json.v2+json");
    assert.match(headers.accept, /application\/vnd\.kafka\.v2\+json/);
    const type = "application/vnd.kafka.v2+json";
    if (times === 1) return { status: 500, type, body: JSON.stringify({ error_code: 50002, message: "Kafka error" }) };
    const { records } = JSON.parse(text);
    const failed = times === 2;
    if (!failed) topic.push(...records);
    const offsets = records.map((_, n) => (failed && n === 1 ? { error_code: 2, error: "leader not available" } : { partition: 0, offset: topic.length - records.length + n, error_code: null, error: null }));
    return { type, body: JSON.stringify({ key_schema_id: null, value_schema_id: null, offsets }) };
  });
  await server.sender.collect(["e1", "e2", "e3"].map(cost));
  await eventually(async () => assert.equal((await ledger()).length, 3), SOON_MS);
  const params = { url: `${base}/topics/billing`, advertiser: "rest", name: "rest-1", format: "kafka_rest" };
  await define("rest", [{ id: "hand-on", kind: "bill", params }]);
  const { state, tasks } = await run("rest");
  assert.deepEqual([state, tasks[0].attempts], ["succeeded", 3]);
  assert.equal((await run("rest")).state, "succeeded");
  await server.sender.collect([cost("e4")]);
  await eventually(async () => assert.equal((await ledger()).length, 4), SOON_MS);
  assert.equal((await run("rest")).state, "succeeded");
  assert.deepEqual(topic, (await ledger()).map((entry) => ({ key: entry.charge, value: entry })));
  // A topic that is not there is somebody's mistake.
  answers.set("/topics/nowhere", () => ({ status: 404, body: JSON.stringify({ error_code: 40401, message: "Topic not found" }) }));
  await define("nowhere", [{ id: "hand-on", kind: "bill", params: { ...params, url: `${base}/topics/nowhere`, name: "rest-2" } }]);
  const lost = await run("nowhere");
  assert.deepEqual([lost.state, lost.tasks[0].attempts], ["failed", 1]);
});

test("a report is delivered: as a file in the bucket, told of, and as the body itself", async () => {
  const at = Date.UTC(2026, 3, 1, 10);
  await server.sender.collect([1, 2].map((n) => ({ id: `r${n}`, kind: "impression", advertiser: "mail", ad: "a", campaign: "spring", at })));
  const query = { from: "2026-04-01", to: "2026-04-02", tz: "UTC", by: "campaign", metrics: "impressions" };
  const scope = "advertiser:mail";
  await eventually(async () => assert.deepEqual(await server.admin.totals({ scope, ...query, by: "" }), { impressions: 2 }), SOON_MS);
  await define("mail", [
    { id: "file", kind: "export", params: { scope, query, name: "mail/{{run}}.csv" } },
    { id: "tell", kind: "webhook", needs: ["file"], params: { url: `${base}/told`, body: { file: "exports/mail/{{run}}.csv" } } },
    { id: "send", kind: "webhook", params: { url: `${base}/sent`, report: { scope, query } } },
  ], { schedule: "daily 06:30" });
  const both = { id: "both", kind: "webhook", params: { url: `${base}/both`, body: {}, report: { scope, query } } };
  isProblem(await server.admin.put("/v1/jobs/definitions/both", { tasks: [both] }), 422, "invalid_field", /not both/);
  const { run: id, tasks } = await run("mail");
  assert.deepEqual(tasks.map((task) => [task.id, task.state]).toSorted(), [["file", "succeeded"], ["send", "succeeded"], ["tell", "succeeded"]]);
  assert.deepEqual(JSON.parse(of("/told")[0].text), { file: `exports/mail/${id}.csv` });
  const [{ headers, text }] = of("/sent");
  assert.deepEqual([headers["content-type"], text.trim().split(/\r?\n/)], ["text/csv; charset=utf-8", ["campaign,impressions", "spring,2"]]);
});
