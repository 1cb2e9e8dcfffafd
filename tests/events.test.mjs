// Following one event: as stored, what it is linked to, and every change of mind with its cause.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { eventually, isProblem } from "./api.mjs";
import { useServer } from "./server.mjs";

const server = useServer();

const MINUTE = 60_000;
const START = Date.UTC(2026, 2, 1, 10);
const at = (minutes) => START + minutes * MINUTE;

const event = (kind, id, minutes, fields) => ({ id, kind, at: at(minutes), advertiser: "acme", user: "kim", ...fields });
const impression = (id, minutes, fields) => event("impression", id, minutes, { campaign: "spring", ad: "banner", service: "news", ...fields });
const click = (id, minutes, fields) => event("click", id, minutes, { ad: "banner", ...fields });
const conversion = (id, minutes, fields) => event("conversion", id, minutes, { label: "buy", value_micros: 5_000_000, ...fields });

const story = async (id, kind, advertiser = "acme") => {
  const answer = await server.admin.get(`/v1/events/${id}`, { advertiser, kind });
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
};

const links = ({ impression, click, through, reason }) => ({ impression, click, through, reason });
const signs = ({ facts }) => facts.map(({ sign, impression, click, reason }) => [sign, impression ?? click ?? reason]);

describe("the story of an event", () => {
  test("tells what was sent, without what must not be kept", async () => {
    await server.sender.collect([
      impression("stored", 0, { advertiser: "stored", country: "KR", os: "Android", user_agent: "Mozilla/5.0", ip: "192.0.2.7", props: { slot: "3" } }),
    ]);
    const { event, outcome, cell } = await story("stored", "impression", "stored");
    assert.equal(outcome, "counted");
    assert.deepEqual([event.id, event.kind, Date.parse(event.at), event.country, event.os, event.props], ["stored", "impression", at(0), "KR", "Android", { slot: "3" }]);
    assert.deepEqual([cell.campaign, cell.service, cell.country, Date.parse(cell.hour)], ["spring", "news", "KR", START]);
    assert.ok(Math.abs(Date.parse(event.received) - Date.now()) < MINUTE);
    assert.doesNotMatch(JSON.stringify(event), /kim|192\.0\.2\.7|Mozilla/);
  });

  test("names its parents and children", async () => {
    const own = { advertiser: "chain" };
    await server.sender.collect([impression("i", 0, own), click("c", 1, own), conversion("v", 2, own)]);
    assert.deepEqual(links(await story("v", "conversion", "chain")), { impression: "i", click: "c", through: "click", reason: null });
    const ids = (events) => events.map(({ id }) => id);
    assert.deepEqual(ids((await story("v", "conversion", "chain")).parents), ["c", "i"]);
    assert.deepEqual(ids((await story("c", "click", "chain")).children), ["v"]);
    assert.deepEqual(ids((await story("i", "impression", "chain")).children), ["c"]);
  });

  test("says by which rule it is linked, and what lost and why", async () => {
    const own = { advertiser: "why" };
    await server.sender.collect([
      impression("old", -2_000, own),
      impression("early", 0, own),
      impression("other", 1, { ...own, ad: "tower", campaign: "fall" }),
      impression("robot", 2, { ...own, user_agent: "Googlebot/2.1" }),
      click("c", 3, { ...own, impression: "early" }),
      conversion("v", 4, { ...own, campaign: "spring" }),
    ]);
    const told = async (id, kind) => {
      const { rule, considered } = await story(id, kind, "why");
      return [rule, Object.fromEntries(considered.map(({ id, outcome }) => [id, outcome]))];
    };
    assert.deepEqual(await told("c", "click"), ["named_impression", { early: "chosen" }]);
    assert.deepEqual(await told("v", "conversion"), [
      "latest_touch",
      { c: "chosen", early: "click_beats_view", other: "other_campaign", robot: "invalid", old: "outside_window" },
    ]);
    assert.deepEqual(await told("early", "impression"), ["none", {}]);
  });

  test("keeps every retraction: a late parent takes over, in the report too", async () => {
    const own = { advertiser: "late-parent", user: "lee" };
    const totals = () =>
      server.admin.totals({ scope: "advertiser:late-parent", from: "2026-03-01", to: "2026-03-02", metrics: "clicks,linked_clicks,conversions,unattributed,view_through" });
    await server.sender.collect([click("c", 30, own), conversion("v", 60, own)]);
    assert.deepEqual(links(await story("c", "click", "late-parent")), { impression: null, click: null, through: null, reason: "no_touch" });
    await eventually(async () =>
      assert.deepEqual(await totals(), { clicks: 1, linked_clicks: 0, conversions: 1, unattributed: 0, view_through: 0 }),
    );

    await server.sender.collect([impression("i1", 10, own)]);
    await server.sender.collect([impression("i2", 20, own)]);
    const told = await story("c", "click", "late-parent");
    assert.equal(told.impression, "i2");
    assert.deepEqual(signs(told), [[1, "no_touch"], [-1, "no_touch"], [1, "i1"], [-1, "i1"], [1, "i2"]]);
    await eventually(async () =>
      assert.deepEqual(await totals(), { clicks: 1, linked_clicks: 1, conversions: 1, unattributed: 0, view_through: 0 }),
    );
  });

  test("says why an event is invalid", async () => {
    const own = { advertiser: "invalid", user: "choi" };
    await server.sender.collect([
      click("first", 0, own),
      click("again", 1 / 60, own),
      impression("robot", 0, { ...own, user: "bot", user_agent: "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)" }),
    ]);
    const verdict = async (id, kind) => {
      const { outcome, reason } = await story(id, kind, "invalid");
      return [outcome, reason];
    };
    assert.deepEqual(await verdict("again", "click"), ["invalid", "repeat"]);
    assert.deepEqual(await verdict("robot", "impression"), ["invalid", "bot"]);
    assert.equal((await verdict("first", "click"))[0], "counted");
    const metrics = "impressions,clicks,invalid_impressions,invalid_clicks";
    await eventually(async () =>
      assert.deepEqual(await server.admin.totals({ scope: "advertiser:invalid", from: "2026-03-01", to: "2026-03-02", metrics }), {
        impressions: 0,
        clicks: 1,
        invalid_impressions: 1,
        invalid_clicks: 1,
      }),
    );
  });

  test("counts how often it was delivered again", async () => {
    const sent = impression("dup", 0, { advertiser: "dup" });
    for (let i = 0; i < 4; i++) await server.sender.collect([sent]);
    assert.equal((await story("dup", "impression", "dup")).event.duplicates, 3);
  });

  test("is asked for with an advertiser and a kind that exist", async () => {
    isProblem(await server.admin.get("/v1/events/x"), 422, "missing_advertiser", /advertiser/);
    isProblem(await server.admin.get("/v1/events/x", { advertiser: "acme", kind: "wink" }), 422, "unknown_kind", /wink.*impression/);
    isProblem(await server.admin.get("/v1/events", { advertiser: "acme", outcome: "lost" }), 422, "unknown_outcome", /lost.*counted.*repeat.*no_touch/);
    isProblem(await server.admin.get("/v1/events", { advertiser: "acme", from: "2026-02-30" }), 422, "bad_time");
    assert.equal((await server.admin.get("/v1/events", { advertiser: "acme", from: "2026-02-28" })).status, 200);
    isProblem(await server.admin.get("/v1/events/x", { advertiser: "acme" }), 404, "event_not_found", /x/);
  });
});

describe("the list of events", () => {
  const list = async (params) => {
    const answer = await server.admin.get("/v1/events", { advertiser: "list", ...params });
    assert.equal(answer.status, 200, answer.text);
    return answer.json.events.map(({ event }) => event.id);
  };

  test("is filtered and limited, what arrived last comes first", async () => {
    const own = { advertiser: "list" };
    const inOrder = [
      impression("i1", 0, own),
      impression("i3", 120, own),
      impression("i2", 60, { ...own, user: "park" }),
      click("c1", 61, { ...own, user: "park" }),
      click("c2", 61.01, { ...own, user: "park" }),
    ];
    for (const sent of inOrder) await server.sender.collect([sent]);
    assert.deepEqual(await list({}), ["c2", "c1", "i2", "i3", "i1"]);
    assert.deepEqual(await list({ kind: "impression" }), ["i2", "i3", "i1"]);
    assert.deepEqual(await list({ user: "park" }), ["c2", "c1", "i2"]);
    assert.deepEqual(await list({ outcome: "invalid" }), ["c2"]);
    assert.deepEqual(await list({ from: at(60), to: new Date(at(120)).toISOString() }), ["c2", "c1", "i2"]);
    assert.deepEqual(await list({ limit: 2 }), ["c2", "c1"]);
    assert.deepEqual(await list({ user: "nobody" }), []);
  });

  test("refuses what it does not know", async () => {
    const refused = (path, params, code, about) => server.admin.get(path, { advertiser: "list", ...params }).then((answer) => isProblem(answer, 422, code, about));
    await refused("/v1/events", { sort: "at" }, "unknown_parameter", /sort.*cursor/);
    await refused("/v1/events/i1", { shard: 0 }, "unknown_parameter", /shard.*kind/);
    // Of a shard too many: it is no page of this advertiser.
    for (const cursor of ["x", "1.0,1.0", "-1.0"]) await refused("/v1/events", { cursor }, "bad_cursor", /comes next/);
  });
});

describe("an advertiser of several shards", () => {
  test("links and reports as one of one", async () => {
    const users = Array.from({ length: 40 }, (_, i) => `user${i}`);
    const chain = (user, i) => {
      const own = { advertiser: "wide", user };
      return [impression(`i${i}`, i, own), click(`c${i}`, i + 1, own), conversion(`v${i}`, i + 2, { ...own, click: `c${i}` })];
    };
    const created = await server.admin.put("/v1/advertisers/wide", { shards: 4 });
    assert.equal(created.json.shards, 4, created.text);
    await server.sender.collect(users.flatMap(chain));
    const metrics = "impressions,clicks,linked_clicks,conversions,unattributed,reach";
    await eventually(async () =>
      assert.deepEqual(await server.admin.totals({ scope: "advertiser:wide", from: "2026-03-01", to: "2026-03-02", metrics }), {
        impressions: 40,
        clicks: 40,
        linked_clicks: 40,
        conversions: 40,
        unattributed: 0,
        reach: 40,
      }),
    );
    const stories = await Promise.all(users.map((_, i) => story(`v${i}`, "conversion", "wide")));
    assert.deepEqual(stories.map(links), users.map((_, i) => ({ impression: `i${i}`, click: `c${i}`, through: "click", reason: null })));
    assert.ok(new Set(stories.map(({ event }) => event.shard)).size > 1, "all users are in one shard");
    const { json } = await server.admin.get("/v1/events", { advertiser: "wide", kind: "conversion", limit: 40 });
    assert.deepEqual(json.events.map(({ event }) => event.id).sort(), users.map((_, i) => `v${i}`).sort());
  });

  test("is read page by page to its first event", async () => {
    const page = async (params) => {
      const answer = await server.admin.get("/v1/events", { advertiser: "wide", ...params });
      assert.equal(answer.status, 200, answer.text);
      return answer.json;
    };
    const keys = ({ events }) => events.map(({ event }) => `${event.kind} ${event.id}`);
    const whole = await page({ limit: 1000 });
    assert.equal(whole.events.length, 120);
    assert.ok(whole.complete && !("next" in whole));
    for (const params of [{ limit: 7 }, { limit: 40 }, { limit: 120 }, { limit: 11, kind: "click" }, { limit: 5, filter: "advertiser:eq:nobody" }]) {
      const read = [];
      let cursor;
      do {
        const next = await page({ ...params, cursor });
        assert.ok(next.events.length <= params.limit && next.complete);
        read.push(...keys(next));
        // What comes meanwhile is newer, and not in pages that follow.
        if (cursor === undefined && params.limit === 7) await server.sender.collect([impression("new", 999, { advertiser: "wide", user: "user7" })]);
        cursor = next.next;
      } while (cursor);
      const expected = keys(whole).filter((key) => (!params.kind || key.startsWith(params.kind)) && !params.filter);
      assert.deepEqual(read.filter((key) => key !== "impression new"), expected, JSON.stringify(params));
      assert.equal(new Set(read).size, read.length);
    }
  });

  test("keeps its number of shards once events have arrived", async () => {
    const refused = await server.admin.put("/v1/advertisers/wide", { shards: 5 });
    assert.ok([409, 422].includes(refused.status), refused.text);
    assert.match(refused.json.detail, /shards/);
    assert.equal((await server.admin.get("/v1/advertisers/wide")).json.shards, 4);
  });
});
