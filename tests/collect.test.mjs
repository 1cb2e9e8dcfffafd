// Collecting: every way to send, and every way to send it wrong.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";

import { eventually, isProblem, ndjson } from "./api.mjs";
import { useServer } from "./server.mjs";

const HOUR = 3_600_000;
const JSON_LINES = { "content-type": "application/x-ndjson" };

const server = useServer();
let advertisers = 0;

/** An advertiser that no other test uses. */
const newAdvertiser = () => `adv${++advertisers}`;

const impression = (advertiser, id, fields = {}) => ({
  id,
  kind: "impression",
  at: "2026-03-01T10:20:30Z",
  advertiser,
  campaign: "spring",
  ad: "banner",
  user: "u1",
  ...fields,
});

const counted = (advertiser, metrics = "impressions") =>
  server.admin.totals({ scope: `advertiser:${advertiser}`, metrics, from: "2026-01-01", to: "2027-12-31" });

describe("ways to send", { concurrency: 8 }, () => {
  const ways = {
    "a single event": (events) => [events.map((e) => JSON.stringify(e))[0], {}, 1],
    "a JSON array": (events) => [JSON.stringify(events), {}, 3],
    "NDJSON": (events) => [ndjson(events), JSON_LINES, 3],
    "NDJSON without a last line end, with CRLF and blank lines": (events) => [
      events.map((e) => JSON.stringify(e)).join("\r\n\r\n"),
      JSON_LINES,
      3,
    ],
    "NDJSON in gzip": (events) => [gzipSync(ndjson(events)), { ...JSON_LINES, "content-encoding": "gzip" }, 3],
    "an array in gzip": (events) => [gzipSync(JSON.stringify(events)), { "content-encoding": "gzip" }, 3],
    "NDJSON as text/plain, as sendBeacon does": (events) => [ndjson(events), { "content-type": "text/plain;charset=UTF-8" }, 3],
    "an array as text/plain": (events) => [JSON.stringify(events), { "content-type": "text/plain" }, 3],
    "a pretty-printed event": (events) => [JSON.stringify(events[0], null, 2), {}, 1],
    "a pretty-printed array": (events) => [JSON.stringify(events, null, 2), {}, 3],
  };
  for (const [name, encode] of Object.entries(ways)) {
    test(name, async () => {
      const advertiser = newAdvertiser();
      const [body, headers, count] = encode([1, 2, 3].map((i) => impression(advertiser, `e${i}`)));
      const type = { "content-type": "application/json", ...headers };
      const first = await server.sender.post("/v1/events", body, type);
      assert.equal(first.status, 202, first.text);
      assert.deepEqual(first.json, { accepted: count, duplicates: 0, rejected: [] });
      const again = await server.sender.post("/v1/events", body, type);
      assert.deepEqual(again.json, { accepted: 0, duplicates: count, rejected: [] });
      await eventually(async () =>
        assert.deepEqual(await counted(advertiser, "impressions,duplicates"), { impressions: count, duplicates: count }),
      );
    });
  }

  test("the write key as ?key=", async () => {
    const advertiser = newAdvertiser();
    const answer = await server.sender.as(undefined).request("POST", "/v1/events", {
      params: { key: server.writeKey },
      body: JSON.stringify(impression(advertiser, "k1")),
    });
    assert.deepEqual([answer.status, answer.json?.accepted], [202, 1], answer.text);
  });

  test("an event without id and time gets them from the server, and is another one each time", async () => {
    const advertiser = newAdvertiser();
    const { id: _, at: __, ...event } = impression(advertiser, "");
    assert.deepEqual(await server.sender.collect([event, event]), { accepted: 2, duplicates: 0, rejected: [] });
    await eventually(async () => assert.equal((await counted(advertiser)).impressions, 2));
  });

  test("duplicates within one batch, and the same id in another kind or of another advertiser", async () => {
    const [a, b] = [newAdvertiser(), newAdvertiser()];
    const view = { ...impression(a, "same"), kind: "view" };
    const answer = await server.sender.collect([impression(a, "same"), impression(a, "same"), view, impression(b, "same")]);
    assert.deepEqual(answer, { accepted: 3, duplicates: 1, rejected: [] });
    await eventually(async () =>
      assert.deepEqual(await counted(a, "impressions,views,duplicates"), { impressions: 1, views: 1, duplicates: 1 }),
    );
    assert.deepEqual(await counted(b, "impressions,duplicates"), { impressions: 1, duplicates: 0 });
  });

  test("a duplicate changes nothing, even if it says something else", async () => {
    const advertiser = newAdvertiser();
    await server.sender.collect([impression(advertiser, "one", { cost_micros: 700 })]);
    await server.sender.collect([impression(advertiser, "one", { cost_micros: 11, ad: "other", at: "2026-03-02T10:00:00Z" })]);
    await eventually(async () =>
      assert.deepEqual(await counted(advertiser, "impressions,cost_micros,duplicates"), {
        impressions: 1,
        cost_micros: 700,
        duplicates: 1,
      }),
    );
  });

  test("unknown fields are kept as properties", async () => {
    const advertiser = newAdvertiser();
    await server.sender.collect([impression(advertiser, "extra", { auction: "second-price" })]);
    const story = await server.admin.get("/v1/events/extra", { advertiser, kind: "impression" });
    assert.equal(story.status, 200, story.text);
    assert.match(JSON.stringify(story.json.event), /"auction":"second-price"/);
    assert.doesNotMatch(story.text, /"u1"/, "the raw user key must not be stored");
  });

  test("a browser on another site may send", async () => {
    const answer = await server.sender.as(undefined).request("OPTIONS", "/v1/events", {
      headers: {
        origin: "https://shop.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
      },
    });
    assert.ok(answer.status === 204 || answer.status === 200, answer.text);
    assert.ok(["*", "https://shop.example"].includes(answer.headers.get("access-control-allow-origin")));
    assert.match(answer.headers.get("access-control-allow-headers") ?? "", /authorization/i);
    const sent = await server.sender.post("/v1/events", impression(newAdvertiser(), "cors"), { origin: "https://shop.example" });
    assert.equal(sent.status, 202);
    assert.ok(["*", "https://shop.example"].includes(sent.headers.get("access-control-allow-origin")));
  });
});

describe("a bad event is rejected alone", { concurrency: 8 }, () => {
  const long = (n) => "x".repeat(n);
  const props = (n) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`p${i}`, "v"]));
  const good = (advertiser) => impression(advertiser, "bad");
  // What the event is, its code, and what the message must name.
  const cases = {
    "not JSON": [() => '{"id":"bad"', "bad_json", /./],
    "a number": [() => "17", "not_an_object", /17|number/],
    "an array in a line": [() => "[]", "not_an_object", /array|\[\]/],
    "ad is a number": [(e) => ({ ...e, ad: 5 }), "wrong_type", /ad/],
    "at is a list": [(e) => ({ ...e, at: [] }), "wrong_type", /at/],
    "cost is text": [(e) => ({ ...e, cost_micros: "12" }), "wrong_type", /cost_micros/],
    "cost is a fraction": [(e) => ({ ...e, cost_micros: 1.5 }), "wrong_type", /cost_micros/],
    "kind is a number": [(e) => ({ ...e, kind: 3 }), "wrong_type", /kind/],
    "no kind": [({ kind: _, ...e }) => e, "missing_kind", /kind/],
    "unknown kind": [(e) => ({ ...e, kind: "impresion" }), "unknown_kind", /impresion/],
    "no advertiser": [({ advertiser: _, ...e }) => e, "missing_advertiser", /advertiser/],
    "impression without ad": [({ ad: _, ...e }) => e, "missing_ad", /ad/],
    "click without ad and impression": [({ ad: _, ...e }) => ({ ...e, kind: "click" }), "missing_ad", /ad/],
    "id of 65 characters": [(e) => ({ ...e, id: long(65) }), "invalid_id", /65|x{20}/],
    "id with a blank": [(e) => ({ ...e, id: "a b" }), "invalid_id", /contains . ./],
    "parent id with a slash": [(e) => ({ ...e, kind: "click", impression: "a/b" }), "invalid_id", /impression.*contains .\/./],
    "campaign of 65 characters": [(e) => ({ ...e, campaign: long(65) }), "invalid_key", /campaign/],
    "time in words": [(e) => ({ ...e, at: "yesterday" }), "invalid_at", /yesterday/],
    "time in seconds": [(e) => ({ ...e, at: 1_772_360_430 }), "at_too_old", /1772360430|1970/],
    "time before 2010": [(e) => ({ ...e, at: "2009-12-31T23:59:59Z" }), "at_too_old", /2009/],
    "time an hour ahead": [(e) => ({ ...e, at: Date.now() + HOUR }), "at_in_future", /\d/],
    "negative cost": [(e) => ({ ...e, cost_micros: -1 }), "negative_amount", /-1/],
    "negative value": [(e) => ({ ...e, kind: "conversion", value_micros: -7 }), "negative_amount", /-7/],
    "17 properties": [(e) => ({ ...e, props: props(17) }), "too_many_props", /1[67]/],
    "property of 257 characters": [(e) => ({ ...e, props: { note: long(257) } }), "prop_too_long", /note|257/],
    "property name of 65 characters": [(e) => ({ ...e, props: { [long(65)]: "v" } }), "prop_too_long", /65|x{20}/],
    "over 8 kB": [(e) => ({ ...e, note: long(8_192) }), "event_too_large", /8,?192|8\d{3}/],
  };
  for (const [name, [spoil, code, about]] of Object.entries(cases)) {
    test(`${name}: ${code}`, async () => {
      const advertiser = newAdvertiser();
      const bad = spoil(good(advertiser));
      const line = typeof bad === "string" ? bad : JSON.stringify(bad);
      const neighbours = [1, 2].map((i) => JSON.stringify(impression(advertiser, `good${i}`)));
      const answer = await server.sender.post("/v1/events", [neighbours[0], line, neighbours[1]].join("\n"), JSON_LINES);
      assert.equal(answer.status, 202, answer.text);
      assert.equal(answer.json.accepted, 2, answer.text);
      assert.equal(answer.json.rejected.length, 1, answer.text);
      const [rejected] = answer.json.rejected;
      assert.deepEqual([rejected.index, rejected.code], [1, code], answer.text);
      assert.match(rejected.message, about);
      await eventually(async () => assert.equal((await counted(advertiser)).impressions, 2));
    });
  }

  test("several in an array: each with its index and id", async () => {
    const advertiser = newAdvertiser();
    const events = [
      impression(advertiser, "a"),
      impression(advertiser, "b", { kind: "glance" }),
      null,
      impression(advertiser, "d"),
      impression(advertiser, "e", { cost_micros: -5 }),
    ];
    const { json } = await server.sender.post("/v1/events", events);
    assert.deepEqual(
      json.rejected.map(({ index, id, code }) => [index, id ?? null, code]),
      [
        [1, "b", "unknown_kind"],
        [2, null, "not_an_object"],
        [4, "e", "negative_amount"],
      ],
    );
    assert.equal(json.accepted, 2);
  });
});

describe("a bad request is refused as a whole", () => {
  const many = (n) => ndjson(Array.from({ length: n }, (_, i) => ({ id: `m${i}`, kind: "view", advertiser: "bulk", ad: "a" })));
  const bomb = () => gzipSync(Buffer.alloc(60_000_000, 0x20));
  const cutGzip = () => gzipSync(randomBytes(2_000)).subarray(0, 900);
  const cases = {
    "not JSON": ["hello", {}, 400, "bad_json", /./],
    "half an array": ['[{"kind":"view"', {}, 400, "bad_json", /./],
    "an empty body": ["", {}, 400, "empty_body", /./],
    "blank lines": ["\n\n  \n", JSON_LINES, 400, "empty_body", /./],
    "not gzip": ["{}", { "content-encoding": "gzip" }, 400, "bad_gzip", /./],
    "broken gzip": [cutGzip, { "content-encoding": "gzip" }, 400, "bad_gzip", /./],
    "10,001 events": [() => many(10_001), JSON_LINES, 413, "too_many_events", /10,?000/],
    "a body over 5 MB": [() => " ".repeat(5_000_001), {}, 413, "body_too_large", /5,?000,?000|5 MB/],
    "501 advertisers": [() => ndjson(Array.from({ length: 501 }, (_, i) => impression(`wide${i}`, "w"))), JSON_LINES, 413, "too_many_advertisers", /500/],
    "another encoding": ["{}", { "content-encoding": "br" }, 415, "unsupported_encoding", /br.*gzip|gzip/],
    "60 MB in 60 kB of gzip": [bomb, { "content-encoding": "gzip" }, 413, "body_too_large", /5,?000,?000|5 MB/],
  };
  for (const [name, [body, headers, status, code, about]] of Object.entries(cases)) {
    test(`${name}: ${status} ${code}`, async () => {
      const bytes = typeof body === "function" ? body() : body;
      isProblem(await server.sender.post("/v1/events", bytes, { "content-type": "application/json", ...headers }), status, code, about);
    });
  }

  test("none of them was stored, and 10,000 events in one body are", async () => {
    const { impressions, views } = await counted("bulk", "impressions,views");
    assert.deepEqual([impressions, views], [0, 0]);
    const answer = await server.sender.post("/v1/events", many(10_000), JSON_LINES);
    assert.deepEqual(answer.json, { accepted: 10_000, duplicates: 0, rejected: [] });
  });
});

describe("who may send", () => {
  test("nobody without a key, with a wrong key, or with a wrong ?key=", async () => {
    const event = JSON.stringify(impression("acme", "x1"));
    const nobody = server.sender.as(undefined);
    isProblem(await nobody.post("/v1/events", event), 401, "unauthorized");
    isProblem(await server.sender.as("wrong").post("/v1/events", event), 401, "unauthorized");
    isProblem(await nobody.request("POST", "/v1/events", { params: { key: "wrong" }, body: event }), 401, "unauthorized");
  });

  test("a write key reads nothing", async () => {
    const answer = await server.sender.get("/v1/reports", { metrics: "clicks" });
    assert.ok([401, 403].includes(answer.status), answer.text);
    assert.equal((await server.sender.get("/v1/advertisers")).status, answer.status);
    assert.equal((await server.sender.get("/v1/tokens")).status, answer.status);
  });

  test("a write key of one advertiser cannot send for another", async () => {
    const own = newAdvertiser();
    const created = await server.admin.post("/v1/tokens", { name: "own", role: "write", scope: `advertiser:${own}` });
    assert.equal(created.status, 201, created.text);
    const answer = await server.sender
      .as(created.json.token)
      .post("/v1/events", ndjson([impression(own, "mine"), impression("globex", "theirs")]), JSON_LINES);
    assert.equal(answer.status, 202, answer.text);
    assert.deepEqual([answer.json.accepted, answer.json.rejected.map((r) => [r.index, r.code])], [1, [[1, "foreign_scope"]]]);
    assert.equal((await counted("globex")).impressions, 0);
  });
});
