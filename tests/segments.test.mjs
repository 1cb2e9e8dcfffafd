// Cells as they are, and the events behind a cell.

import assert from "node:assert/strict";
import { test } from "node:test";

import { RANGE, EVENTS, naive, useServerWithTraffic } from "./traffic.mjs";

const server = useServerWithTraffic();

test("a segment comes with its version, and is not sent again", async () => {
  const answer = await server.admin.get("/v1/segments", { ...RANGE, scope: "advertiser:acme" });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers.get("content-type"), "application/octet-stream");
  assert.ok(answer.text.length > 500);
  const { version } = await server.admin.report({ ...RANGE, scope: "advertiser:acme" });
  assert.equal(answer.headers.get("adtally-version"), version);
  const again = await server.admin.get("/v1/segments", { ...RANGE, scope: "advertiser:acme" }, { "if-none-match": answer.headers.get("etag") });
  assert.equal(again.status, 304);
});

test("nobody gets the cells of another scope, nor what theirs does not see", async () => {
  const make = (scope) => server.admin.post("/v1/tokens", { name: "t", role: "analyst", scope });
  const [acme, news] = [(await make("advertiser:acme")).json.token, (await make("service:news")).json.token];
  const check = async (token, params, status, code) => {
    const answer = await server.admin.as(token).get("/v1/segments", { ...RANGE, ...params });
    assert.deepEqual([answer.status, answer.json?.code], [status, code], JSON.stringify(params));
  };
  await check(undefined, {}, 401, "unauthorized");
  await check(acme, {}, 200, undefined);
  await check(acme, { scope: "advertiser:globex" }, 403, "foreign_scope");
  await check(acme, { scope: "platform" }, 403, "foreign_scope");
  await check(news, {}, 200, undefined);
  await check(news, { by: "campaign" }, 422, "not_in_scope");
  await check(news, { filter: "ad:eq:ad1" }, 422, "not_in_scope");
  await check(acme, { limit: 5 }, 422, "unknown_parameter");
});

test("the events behind a figure can be asked for", async () => {
  const cell = { campaign: "acme-0", country: "KR" };
  const filter = Object.entries(cell).map(([name, value]) => `${name}:eq:${value}`);
  const answer = await server.admin.get("/v1/events", { advertiser: "acme", kind: "click", filter, limit: 1000 });
  const [[, count]] = naive({ by: [], where: ({ dims }) => dims.advertiser === "acme" && dims.campaign === "acme-0" && dims.country === "KR" });
  assert.ok(count > 0);
  assert.equal(answer.json.events.length, count);
  for (const { event, cell: found } of answer.json.events) {
    assert.ok(EVENTS.some(({ id }) => id === event.id));
    assert.deepEqual([found.campaign, found.country], ["acme-0", "KR"]);
  }
  const wrong = await server.admin.get("/v1/events", { advertiser: "acme", filter: "planet:eq:mars" });
  assert.deepEqual([wrong.status, wrong.json.code], [422, "unknown_filter"]);
});
