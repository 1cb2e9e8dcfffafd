// What operators look at: /metrics as Prometheus reads it, /healthz, and the files that are made of the same table.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";

import { eventually, isProblem, ndjson } from "./api.mjs";
import { client, run } from "./clients.mjs";
import { Leashed } from "./leash.mjs";
import { ROOT, freePort, useServer } from "./server.mjs";

// Of the server that this file starts: it logs what becomes of requests.
process.env.ADTALLY_LOG = "all";
const server = useServer();

/** The series of a scrape by name and labels. */
const scrape = async (api = server.admin) => {
  const answer = await api.get("/metrics");
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.headers.get("content-type"), /^text\/plain; version=0\.0\.4/);
  const lines = answer.text.split("\n").filter((line) => line && !line.startsWith("#"));
  return { text: answer.text, values: new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))])) };
};

/** A program of Prometheus with something on its standard input. */
async function promtool(folder, args, input) {
  const program = spawn(join(folder, "usr/bin/promtool"), args, { stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  for (const stream of [program.stdout, program.stderr]) stream.on("data", (data) => (output += data));
  program.stdin.end(input);
  const [code] = await once(program, "close");
  return { code, output };
}

describe("metrics", () => {
  test("count what came in, exactly", async () => {
    const before = (await scrape()).values;
    const of = (i) => ({ id: `m${i}`, kind: i % 3 === 0 ? "wink" : "impression", advertiser: "metrics", ad: "a" });
    const events = Array.from({ length: 30 }, (_, i) => of(i));
    for (const _ of [1, 2]) await server.sender.post("/v1/events", ndjson(events), { "content-type": "application/x-ndjson" });
    await server.sender.as(undefined).get("/v1/i.gif", { key: server.writeKey, advertiser: "metrics", ad: "a" });
    assert.equal((await server.sender.get("/v1/reports")).status, 403);
    const after = (await scrape()).values;
    const grown = (series) => (after.get(series) ?? 0) - (before.get(series) ?? 0);
    assert.equal(grown('adtally_events_accepted_total{door="events"}'), 20);
    assert.equal(grown('adtally_events_duplicate_total{door="events"}'), 20);
    assert.equal(grown('adtally_events_accepted_total{door="pixel"}'), 1);
    assert.equal(grown('adtally_events_rejected_total{code="unknown_kind"}'), 20);
    assert.equal(grown('adtally_requests_total{class="4xx"}'), 1);
    assert.equal(grown("adtally_ack_seconds_count"), 3);
    assert.ok(grown("adtally_ack_seconds_sum") > 0 && grown("adtally_rows_written_total") > 0);
    const dollars = ["requests", "objects", "rows"].map((part) => after.get(`adtally_cost_dollars_total{part="${part}"}`));
    assert.ok(dollars.every((cost) => cost > 0 && cost < 0.01), `${dollars}`);
  });

  test("tell how far reports are behind, and how much is linked", async () => {
    const of = { advertiser: "linkrate", ad: "a", user: "u" };
    await server.sender.collect([
      { id: "i", kind: "impression", ...of },
      { id: "c", kind: "click", impression: "i", ...of },
      { id: "d", kind: "click", advertiser: "linkrate", impression: "nowhere", user: "v" },
    ]);
    await eventually(async () => {
      const { values } = await scrape();
      assert.deepEqual([values.get("adtally_day_clicks"), values.get("adtally_day_linked_clicks"), values.get("adtally_link_ratio")], [2, 1, 0.5]);
      assert.ok(values.get("adtally_report_lag_seconds_count") > 0);
      assert.deepEqual([values.get("adtally_outbox_parcels"), values.get("adtally_outbox_age_seconds")], [0, 0]);
    }, 15_000);
    const { values } = await scrape();
    assert.equal(values.get('adtally_build_info{version="0.1.0"}'), 1);
    assert.ok(values.get("adtally_isolate_memory_bytes") > 1_000_000);
  });

  test("are for the platform; anybody else learns whether it works", async () => {
    const token = async (role, scope) => server.admin.as((await server.admin.post("/v1/tokens", { name: "t", role, scope })).json.token);
    assert.ok((await scrape(await token("analyst", "platform"))).values.has("adtally_object_calls_total"));
    isProblem(await (await token("admin", "advertiser:acme")).get("/metrics"), 403, "foreign_scope");
    isProblem(await server.sender.get("/metrics"), 403, "role_forbidden");
    isProblem(await server.admin.as("wrong").get("/metrics"), 401, "unauthorized");
    const { values } = await scrape(server.admin.as(undefined));
    assert.deepEqual([...values], [['adtally_build_info{version="0.1.0"}', 1]]);
  });

  test("survive a kill, but for what was not pushed", async () => {
    const before = (await scrape()).values.get('adtally_events_accepted_total{door="events"}');
    await server.restart();
    assert.equal((await scrape()).values.get('adtally_events_accepted_total{door="events"}'), before);
  });
});

test("promtool finds nothing wrong with the text and the rules", async (context) => {
  const { folder, missing } = client("prometheus");
  if (missing) return context.skip(missing);
  const text = await promtool(folder, ["check", "metrics"], (await scrape()).text);
  assert.deepEqual(text, { code: 0, output: "" });
  const rules = await promtool(folder, ["check", "rules", join(ROOT, "ops/alerts.yml")]);
  assert.equal(rules.code, 0, rules.output);
});

test("a real Prometheus scrapes it and knows the alerts", { timeout: 60_000 }, async (context) => {
  const { folder, missing } = client("prometheus");
  if (missing) return context.skip(missing);
  const work = await mkdtemp(join(tmpdir(), "adtally-prometheus-"));
  const [port, { host }] = [await freePort(), new URL(server.url)];
  await writeFile(
    join(work, "prometheus.yml"),
    `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: ["${join(ROOT, "ops/alerts.yml")}"]
scrape_configs:
  - job_name: adtally
    authorization: {credentials: "${server.adminToken}"}
    static_configs: [{targets: ["${host}"]}]
`,
  );
  const program = [join(folder, "usr/bin/prometheus"), `--config.file=${join(work, "prometheus.yml")}`, `--storage.tsdb.path=${join(work, "data")}`, `--web.listen-address=127.0.0.1:${port}`];
  const prometheus = new Leashed(program, { cwd: work, env: process.env, log: join(work, "output") });
  try {
    const ask = async (path) => (await (await fetch(`http://127.0.0.1:${port}/api/v1/${path}`)).json()).data;
    await eventually(async () => {
      const { result } = await ask("query?query=adtally_build_info");
      assert.equal(result[0]?.value[1], "1");
      const { groups } = await ask("rules");
      assert.ok(groups[0].rules.length >= 10 && groups[0].rules.every(({ health }) => health !== "err"), JSON.stringify(groups));
    }, 30_000);
  } catch (error) {
    error.message += `\n${(await readFile(join(work, "output"), "utf8")).slice(-2_000)}`;
    throw error;
  } finally {
    await prometheus.end(5_000);
    await rm(work, { recursive: true, force: true });
  }
});

test("a request is followed by its id from collecting to the reports", async () => {
  const event = { id: "l1", kind: "impression", advertiser: "followed", service: "daily", ad: "a", user: "who-is-it" };
  const answer = await server.sender.as(undefined).post(`/k/${server.writeKey}/_bulk`, `{"index":{}}\n${JSON.stringify(event)}\n`, { "content-type": "application/x-ndjson" });
  assert.equal(answer.status, 200, answer.text);
  const id = answer.headers.get("x-request-id");
  await eventually(async () => {
    const log = (await readFile(join(server.state, "dev", "wrangler.log"), "utf8")).split("\n");
    // Between them the development server says what it likes.
    const ours = log.filter((line) => line.includes('{"event"')).map((line) => line.slice(line.indexOf('{"event"')));
    const lines = ours.map((line) => JSON.parse(line));
    const request = lines.find(({ event, request }) => event === "request" && request === id);
    assert.deepEqual([request?.status, request?.ms >= 0], [200, true], `${id} is not logged`);
    const commit = lines.find(({ event, requests }) => event === "commit" && requests.includes(id));
    assert.equal(commit?.object, "followed/0");
    const told = lines.find(({ event, object, upto }) => event === "told" && object === commit.object && upto >= commit.row);
    assert.deepEqual(told?.scopes.toSorted(), ["advertiser:followed", "platform", "service:daily"]);
    for (const secret of [server.writeKey, server.adminToken, "who-is-it"]) assert.ok(!ours.join("\n").includes(secret), "no secret and no user is logged");
  }, 10_000);
});

test("healthz tells what is degraded, and is 200 all the same", async () => {
  const nobody = server.admin.as(undefined);
  const fine = await nobody.get("/healthz");
  assert.deepEqual([fine.status, fine.json.status, fine.json.degraded], [200, "ok", []], fine.text);
});
