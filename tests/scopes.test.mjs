// Scopes: a token sees what is its own, and nothing tells it what else there is.

import assert from "node:assert/strict";
import { test } from "node:test";

import { eventually, isProblem } from "./api.mjs";
import { EVENTS, METRICS, RANGE, byText, naive, normal, useServerWithTraffic } from "./traffic.mjs";

const server = useServerWithTraffic();

const query = { ...RANGE, metrics: METRICS.join() };

/** The API as somebody with a new token of this scope sees it. */
const seenBy = async (scope) => {
  const created = await server.admin.post("/v1/tokens", { name: scope, role: "analyst", scope });
  assert.equal(created.status, 201, created.text);
  return server.admin.as(created.json.token);
};

/** The report by `by` must show what the events of `where` add up to, and nothing else. */
async function check(api, by, where) {
  const report = await api.report({ ...query, by: by.join() });
  assert.deepEqual(normal(report).sort(byText), naive({ by, where }));
  const [sums] = naive({ where });
  assert.deepEqual(METRICS.map((metric) => report.totals[metric]), sums);
}

test("an advertiser sees only its own, in full detail", async () => {
  const acme = await seenBy("advertiser:acme");
  await check(acme, ["advertiser", "ad", "placement"], ({ dims }) => dims.advertiser === "acme");
});

test("a service sees only its own, and not which campaign or ad", async () => {
  const map = await seenBy("service:map");
  await check(map, ["service", "placement", "advertiser"], ({ dims }) => dims.service === "map");
  isProblem(await map.get("/v1/reports", { ...query, by: "campaign" }), 422, "not_in_scope", /campaign.*placement/);
  isProblem(await map.get("/v1/reports", { ...query, metrics: "value_micros" }), 422, "not_in_scope", /value_micros/);
});

test("foreign scopes are refused, whether they exist or not", async () => {
  for (const own of ["advertiser:acme", "service:map"]) {
    const api = await seenBy(own);
    const answers = await Promise.all(
      ["advertiser:globex", "advertiser:nobody", "service:news", "platform"].map((scope) => api.get("/v1/reports", { ...query, scope })),
    );
    for (const answer of answers) isProblem(answer, 403, "foreign_scope");
    const [existing, missing] = answers.map(({ json }) => json.detail.replace(/globex|nobody/, ""));
    assert.equal(existing, missing);
  }
  isProblem(await server.admin.as(undefined).get("/v1/reports", query), 401, "unauthorized");
  isProblem(await server.admin.as("wrong").get("/v1/reports", query), 401, "unauthorized");
});

test("events of others are not there for an advertiser", async () => {
  const acme = await seenBy("advertiser:acme");
  const own = await acme.get("/v1/events/i0", { advertiser: "acme", kind: "impression" });
  assert.equal(own.status, 200, own.text);
  const foreign = await acme.get("/v1/events/i1", { advertiser: "globex", kind: "impression" });
  const missing = await acme.get("/v1/events/none", { advertiser: "nobody", kind: "impression" });
  isProblem(foreign, 403, "foreign_scope");
  isProblem(missing, 403, "foreign_scope");
  isProblem(await acme.get("/v1/events/i1", { advertiser: "acme", kind: "impression" }), 404, "event_not_found");
});

test("the platform's question about ads fans out to the advertisers", async () => {
  for (const by of [["campaign", "service", "country", "device"], ["ad"], ["ad", "placement", "day"]]) {
    await check(server.admin, by, () => true);
  }
});
