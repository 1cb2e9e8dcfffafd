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

// Three bodies of the largest kind may wait for the Linker, whose turn it is for a moment: of more that come at once some
// are refused, and a client that does as Elasticsearch's clients do sends those again.
test("what is too much at once is refused with 503 and a text, as clients know it, and counts once when it is sent again", { timeout: 180_000 }, async () => {
  const [bodies, documents] = [16, 10_000];
  const body = (n) => Array.from({ length: documents }, (_, i) => `{"index":{}}\n{"kind":"impression","advertiser":"flood","ad":"a","id":"${n}-${i}"}\n`).join("");
  const refusals = [];
  const send = async (n) => {
    const sent = body(n);
    for (;;) {
      const answer = await ask("POST", "/_bulk", sent, { "content-type": "application/x-ndjson" });
      if (answer.status === 200) return assert.equal(JSON.parse(answer.text).errors, false, answer.text.slice(0, 300));
      assert.equal(answer.status, 503, answer.text);
      refusals.push(answer);
      await new Promise((resolve) => setTimeout(resolve, 1_000 * Number(answer.headers.get("retry-after"))));
    }
  };
  await Promise.all(Array.from({ length: bodies }, (_, n) => send(n)));
  assert.ok(refusals.length > 0, "nothing was too much");
  for (const { headers, text } of refusals) {
    assert.match(headers.get("content-type"), /^text\/plain/);
    assert.equal(text, "too much at once");
    assert.ok(Number(headers.get("retry-after")) >= 1);
  }
  const metrics = { scope: "advertiser:flood", metrics: "impressions,duplicates", from: "2020-01-01", to: "2100-01-01" };
  await eventually(async () => assert.deepEqual(await server.admin.totals(metrics), { impressions: bodies * documents, duplicates: 0 }), 60_000);
});
