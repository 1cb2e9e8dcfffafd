// What is not accepted is kept, counted, listed, and replayed once its cause is repaired.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { eventually, isProblem, ndjson } from "./api.mjs";
import { useServer } from "./server.mjs";

const server = useServer();
let advertisers = 0;
const newAdvertiser = () => `rej${++advertisers}`;
const JSON_LINES = { "content-type": "application/x-ndjson" };

const send = (advertiser, events, sender = server.sender) =>
  sender.post("/v1/events", ndjson(events.map((event) => ({ advertiser, ...event }))), JSON_LINES);
const listed = async (params, api = server.admin) => {
  const answer = await api.get("/v1/rejected", params);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
};
const counted = (advertiser, metrics) =>
  server.admin.totals({ scope: `advertiser:${advertiser}`, metrics, from: "2026-01-01", to: "2027-12-31" });
const token = async (role, scope) => (await server.admin.post("/v1/tokens", { name: "t", role, scope })).json.token;

describe("rejected events", { concurrency: 4 }, () => {
  test("are kept without what tells whose they are", async () => {
    const advertiser = newAdvertiser();
    const secret = { user: "peter@shop.example", ip: "203.0.113.9", user_agent: "curl/8" };
    await send(advertiser, [{ id: "w1", kind: "wink", ad: "a", ...secret }, { id: "n1", kind: "click", user: 4711 }]);
    const { counts, rejected } = await listed({ advertiser });
    assert.deepEqual(counts, { unknown_kind: 1, wrong_type: 1 });
    assert.doesNotMatch(JSON.stringify(rejected), /peter|203\.0\.113|curl|4711/);
    const wink = rejected.find(({ code }) => code === "unknown_kind");
    assert.deepEqual([wink.door, wink.event.kind, wink.event.id, wink.tries], ["events", "wink", "w1", 0]);
    assert.match(wink.user, /^[0-9a-f]{16}$/);
  });

  test("of every door, by code and page by page", async () => {
    const advertiser = newAdvertiser();
    await send(advertiser, [1, 2, 3].map((i) => ({ id: `m${i}`, kind: "impression" })));
    await server.sender.get("/v1/i.gif", { advertiser });
    const { counts, rejected } = await listed({ advertiser, code: "missing_ad" });
    assert.deepEqual([counts, rejected.length], [{ missing_ad: 4 }, 4]);
    assert.deepEqual([...new Set(rejected.map(({ door }) => door))].sort(), ["events", "pixel"]);
    const first = await listed({ advertiser, limit: 3 });
    const rest = await listed({ advertiser, limit: 3, before: first.next });
    assert.deepEqual([...first.rejected, ...rest.rejected].map(({ id }) => id), rejected.map(({ id }) => id));
    assert.equal(rest.next, null);
    assert.deepEqual((await listed({ advertiser, code: "bad_json" })).rejected, []);
  });

  test("are replayed once their cause is repaired, exactly once", async () => {
    const advertiser = newAdvertiser();
    await send(advertiser, [1, 2, 3].map((i) => ({ kind: "impression", user: `u${i}` })));
    await send(advertiser, [{ id: "w", kind: "wink", ad: "a" }]);
    const replay = (body) => server.admin.post("/v1/rejected/replay", { advertiser, ...body });
    const still = await replay({});
    assert.deepEqual([still.json.accepted, still.json.rejected.length], [0, 4], still.text);
    assert.equal((await listed({ advertiser })).rejected[0].tries, 1);
    const [one, two] = await Promise.all([0, 1].map(() => replay({ code: "missing_ad", set: { ad: "banner" } })));
    assert.equal(one.json.accepted + two.json.accepted, 3, one.text + two.text);
    assert.deepEqual((await replay({ code: "missing_ad", set: { ad: "banner" } })).json.accepted, 0);
    await eventually(async () => assert.equal((await counted(advertiser, "impressions")).impressions, 3));
    const { rejected, counts } = await listed({ advertiser });
    assert.deepEqual(rejected.map(({ code }) => code), ["unknown_kind"]);
    assert.deepEqual(counts, { missing_ad: 3, unknown_kind: 1 });
    assert.equal((await replay({ ids: [rejected[0].id], set: { kind: "click" } })).json.accepted, 1);
    assert.deepEqual((await listed({ advertiser })).rejected, []);
  });

  test("are seen and replayed by those whose key was used", async () => {
    const [own, other] = [newAdvertiser(), newAdvertiser()];
    const writer = server.sender.as(await token("write", `advertiser:${own}`));
    await send(other, [{ id: "f1", kind: "click", ad: "a" }], writer);
    assert.deepEqual((await listed({ advertiser: other })).rejected, []);
    const analyst = server.admin.as(await token("analyst", `advertiser:${own}`));
    assert.deepEqual((await listed({}, analyst)).rejected.map(({ code }) => code), ["foreign_scope"]);
    isProblem(await analyst.get("/v1/rejected", { advertiser: other }), 403, "foreign_scope");
    isProblem(await analyst.post("/v1/rejected/replay", {}), 403, "role_forbidden");
    isProblem(await server.sender.get("/v1/rejected"), 403, "role_forbidden");
    const admin = server.admin.as(await token("admin", `advertiser:${own}`));
    assert.equal((await admin.post("/v1/rejected/replay", {})).json.rejected[0].code, "foreign_scope");
    assert.equal((await admin.post("/v1/rejected/replay", { set: { advertiser: own } })).json.accepted, 1);
  });

  test("of everybody are the platform's to see and to replay", async () => {
    const [one, two] = [newAdvertiser(), newAdvertiser()];
    const mark = `mark-${one}`;
    await send(one, [1, 2].map((i) => ({ id: `p${i}`, kind: mark, ad: "a" })));
    await send(two, [3, 4].map((i) => ({ id: `p${i}`, kind: mark, ad: "a" })));
    await send(undefined, [{ id: "p5", kind: mark, ad: "a" }]);
    const mine = async (api = server.admin) => {
      const [found, seen] = [[], new Set()];
      for (let before; ; ) {
        const { rejected, next } = await listed({ code: "unknown_kind", limit: 200, before }, api);
        for (const record of rejected) {
          assert.ok(!seen.has(record.id), `${record.id} is listed twice`);
          seen.add(record.id);
          if (record.event?.kind === mark) found.push(record);
        }
        if (next === null) return found;
        before = next;
      }
    };
    const found = await mine();
    const named = found.map(({ owner, event }) => `${event.id} ${owner}`).sort();
    const [ofOne, ofTwo] = [`advertiser:${one}`, `advertiser:${two}`];
    assert.deepEqual(named, [`p1 ${ofOne}`, `p2 ${ofOne}`, `p3 ${ofTwo}`, `p4 ${ofTwo}`, "p5 platform"]);
    const own = await listed({ advertiser: one });
    assert.deepEqual(own.rejected.map(({ id, owner }) => [id.includes("@"), owner]), [[false, ofOne], [false, ofOne]]);

    const ids = found.filter(({ event }) => event.id !== "p1" && event.id !== "p5").map(({ id }) => id);
    const stranger = server.admin.as(await token("admin", `advertiser:${two}`));
    const foreign = ids.filter((id) => id.endsWith(ofOne));
    const refused = await stranger.post("/v1/rejected/replay", { ids: foreign, set: { kind: "click" } });
    assert.deepEqual([refused.status, refused.json.accepted, refused.json.rejected], [200, 0, []]);
    assert.equal((await mine()).length, 5);
    const replayed = await server.admin.post("/v1/rejected/replay", { ids, set: { kind: "click" } });
    assert.deepEqual([replayed.json.accepted, replayed.json.rejected], [3, []], replayed.text);
    assert.deepEqual((await mine()).map(({ event }) => event.id).sort(), ["p1", "p5"]);
    for (const advertiser of [one, two]) {
      const clicks = advertiser === one ? 1 : 2;
      await eventually(async () => assert.equal((await counted(advertiser, "clicks")).clicks, clicks));
    }
    isProblem(await server.admin.get("/v1/rejected", { before: "1.0@nobody" }), 422, "bad_id");
  });

  test("beyond what is kept are counted", async () => {
    const advertiser = newAdvertiser();
    const junk = Array.from({ length: 2_000 }, (_, i) => ({ id: `j${i}`, kind: "wink", note: "x".repeat(200) }));
    await send(advertiser, junk);
    const { counts, rejected, next } = await listed({ advertiser, limit: 1_000 });
    assert.deepEqual(counts, { unknown_kind: 2_000 });
    assert.ok(rejected.length > 100 && rejected.length < 2_000, `${rejected.length} are kept, next ${next}`);
  });

  test("wrong questions are told", async () => {
    isProblem(await server.admin.get("/v1/rejected", { limit: "0" }), 422, "bad_limit");
    isProblem(await server.admin.get("/v1/rejected", { from: "soon" }), 422, "bad_time");
    isProblem(await server.admin.get("/v1/rejected", { before: "x" }), 422, "bad_id");
    isProblem(await server.admin.get("/v1/rejected", { advertiser: "a", service: "b" }), 422, "ambiguous_owner");
    isProblem(await server.admin.post("/v1/rejected/replay", { what: 1 }), 422, "invalid_body");
  });
});

test("what is rejected survives a kill", async () => {
  const advertiser = newAdvertiser();
  await send(advertiser, [{ id: "k1", kind: "wink", ad: "a" }]);
  await server.restart();
  assert.equal((await listed({ advertiser })).rejected.length, 1);
});
