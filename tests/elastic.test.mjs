// What Elasticsearch's clients and log shippers ask for besides events: who answers, what they set up, and what becomes
// of a document that is sent again or is no event.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { eventually } from "./api.mjs";
import { useServer } from "./server.mjs";

const server = useServer();
const basic = () => `Basic ${Buffer.from(`any:${server.writeKey}`).toString("base64")}`;

async function ask(method, path, body, headers = {}) {
  const answer = await fetch(`${server.url}${path}`, { method, body, headers: { authorization: basic(), ...headers } });
  assert.equal(answer.headers.get("x-elastic-product"), "Elasticsearch", path);
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

test("clients find what they look for before they send", async () => {
  const info = await ask("GET", "/elastic");
  assert.equal(info.status, 200);
  assert.match(JSON.parse(info.text).version.number, /^[89]\./);
  assert.equal((await ask("HEAD", "/elastic")).status, 200);
  for (const path of ["/_license", "/_cluster/health", "/_cat/health", "/elastic/_license", "/elastic/_cluster/health"]) {
    assert.equal((await ask("GET", path)).status, 200, path);
  }
  assert.equal(JSON.parse((await ask("GET", "/_license")).text).license.status, "active");
});

test("what they set up is taken and does nothing", async () => {
  for (const [method, path] of [
    ["PUT", "/_index_template/ads"],
    ["HEAD", "/_index_template/ads"],
    ["PUT", "/_component_template/ads"],
    ["PUT", "/_template/ads"],
    ["PUT", "/_ilm/policy/ads"],
    ["GET", "/_ilm/policy/ads"],
    ["PUT", "/_ingest/pipeline/ads"],
    ["PUT", "/_data_stream/ads"],
    ["PUT", "/elastic/ads"],
    ["HEAD", "/elastic/ads"],
  ]) {
    const { status, text } = await ask(method, path, method === "PUT" ? "{}" : undefined, { "content-type": "application/json" });
    assert.ok([200, 201, 404].includes(status), `${method} ${path}: ${status} ${text}`);
    if (method === "PUT") assert.equal(JSON.parse(text).acknowledged, true, path);
  }
});

test("a bulk: packed, with blank lines; an exact replay is no conflict; a bad document has its own error", async () => {
  const event = (id, more = {}) => JSON.stringify({ kind: "impression", advertiser: "elastic", ad: "a", user: "u1", id, ...more });
  const body = `{"index":{"_id":"e1"}}\n${event("e1")}\n\n{"create":{"_id":"e2"}}\n${event("e2")}\n\n`;
  const packed = { "content-type": "application/vnd.elasticsearch+x-ndjson; compatible-with=8", "content-encoding": "gzip" };
  const first = await ask("POST", "/ads/_bulk", gzipSync(body), packed);
  const again = await ask("PUT", "/ads/_bulk", gzipSync(body), packed);
  for (const { status, text } of [first, again]) {
    assert.equal(status, 200, text);
    assert.ok(text.indexOf('"errors"') < text.indexOf('"items"'), text);
    const { errors, items } = JSON.parse(text);
    assert.equal(errors, false, text);
    for (const item of items) assert.ok([200, 201].includes((item.index ?? item.create).status), text);
  }
  const mixed = await ask("POST", "/_bulk", `{"index":{}}\n${event("e3")}\n{"index":{}}\n{"kind":"wink"}\n{"index":{}}\noops\n`, { "content-type": "application/x-ndjson" });
  const { errors, items } = JSON.parse(mixed.text);
  assert.deepEqual([errors, items.map(({ index }) => index.status)], [true, [201, 400, 400]], mixed.text);
  assert.match((await server.admin.get("/v1/rejected", { code: "unknown_kind" })).text, /"wink"/);
  const metrics = { scope: "advertiser:elastic", metrics: "impressions,duplicates", from: "2020-01-01", to: "2100-01-01" };
  await eventually(async () => assert.deepEqual(await server.admin.totals(metrics), { impressions: 3, duplicates: 2 }), 10_000);
});

test("strangers and other formats are refused, each with the product's header", async () => {
  const event = '{"index":{}}\n{"kind":"impression","advertiser":"elastic","ad":"a"}\n';
  assert.equal((await ask("POST", "/_bulk", event, { authorization: "Basic eDp5" })).status, 401);
  assert.equal((await ask("POST", "/_bulk", "hello", { "content-type": "application/x-ndjson" })).status, 400);
  assert.equal((await ask("DELETE", "/_bulk")).status, 405);
});
