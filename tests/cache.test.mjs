// Answers that are kept at the edge: what did not change costs no question to an object, what did is seen at once.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { Api, eventually } from "./api.mjs";
import { batch as nightly, newRuntime } from "./nightly.mjs";

const RANGE = { from: "2026-03-01", to: "2026-03-11", tz: "UTC" };
const QUERY = { ...RANGE, metrics: "impressions,clicks" };

/** Longer than news of an open range is trusted, shorter than those of a closed one. */
const AFTER_TRUST_MS = 700;
const RUN_MS = 60_000;

let runtime, admin, sender;

before(
  async () => {
    runtime = await newRuntime();
    await runtime.start();
    [admin, sender] = [new Api(runtime.url, runtime.adminToken), new Api(runtime.url, runtime.writeKey)];
  },
  { timeout: 120_000 },
);
after(() => runtime.stop());

const impressions = (advertiser, count, { day = 1, first = 0, ad = "a1" } = {}) =>
  Array.from({ length: count }, (_, i) => ({
    id: `${advertiser}-${day}-${first + i}`, kind: "impression", at: Date.UTC(2026, 2, day, 7, 0, first + i), advertiser, ad, campaign: "c", service: "news", country: "KR",
  }));

/** An answer, where its cells came from, and how many questions objects were asked for it. */
async function ask(params, headers) {
  const before = await questions();
  const answer = await admin.get("/v1/reports", params, headers);
  assert.ok([200, 304].includes(answer.status), answer.text);
  return { ...answer, found: answer.headers.get("x-cache"), asked: (await questions()) - before };
}

async function questions() {
  return (await (await runtime.call("REPORT", "platform", "/usage")).json()).report_questions;
}

/** Sends events and waits until the report counts them all. */
async function collected(query, events, total) {
  await sender.collect(events);
  await eventually(async () => assert.equal((await admin.totals(query)).impressions, total), 5_000);
}

const batch = (days = null) => nightly(admin, days, RUN_MS);

describe("what did not change", () => {
  const query = { ...QUERY, scope: "advertiser:quiet", by: "ad,day", filter: ["country:in:KR,US", "ad:ne:x"] };

  test("costs no question to an object, in whichever words it is asked", async () => {
    await collected(query, impressions("quiet", 5), 5);
    await admin.report(query);
    const ways = {
      "as before": query,
      "in another order": { ...query, by: "day,ad", filter: ["ad:ne:x", "country:in:US,KR,KR"] },
      "with times instead of dates": { ...query, from: "2026-03-01T00:00:00Z", to: Date.parse("2026-03-11T00:00Z") },
      "a page of it": { ...query, sort: "-impressions", limit: 1, offset: 0 },
      "other figures of the same cells": { ...query, metrics: "ctr,impressions" },
      "as CSV": { ...query, format: "csv" },
    };
    for (const [name, way] of Object.entries(ways)) {
      // News is trusted for half a second, and this machine may be busy: what is noted anew is trusted again.
      await eventually(async () => {
        const { found, asked } = await ask(way);
        assert.deepEqual([found, asked], ["hit", 0], name);
      });
    }
    const other = await ask({ ...query, by: "ad" });
    assert.equal(other.found, "miss", "other cells");
  });

  test("has the same ETag wherever it comes from, and 304", async () => {
    const first = await ask(query);
    const again = await ask(query, { "if-none-match": first.headers.get("etag") });
    assert.deepEqual([again.status, again.text], [304, ""]);
    const whole = await ask(query);
    assert.deepEqual(whole.json, first.json);
    assert.equal(whole.headers.get("etag"), first.headers.get("etag"));
    assert.match(whole.headers.get("cache-control"), /private/);
  });

  test("is asked about when nothing was heard for a while, and its cells are not told again", async () => {
    const first = await ask(query);
    await sleep(AFTER_TRUST_MS);
    const { found, asked, json } = await ask(query);
    assert.deepEqual([found, asked, json], ["revalidated", 1, first.json]);
  });

  test("is asked about when the caller wants to know for sure", async () => {
    await ask(query);
    for (const directive of ["no-cache", "max-age=0"]) {
      const { found, asked } = await ask(query, { "cache-control": directive });
      assert.deepEqual([found, asked], ["revalidated", 1], directive);
    }
  });

  test("stays when other days change, and says that it is of the newest data", async () => {
    const first = await ask(query);
    await collected({ ...query, from: undefined, to: "2026-03-21" }, impressions("quiet", 3, { day: 20 }), 3);
    const { found, json, headers } = await ask(query);
    assert.notEqual(found, "miss");
    assert.deepEqual([json.rows, json.totals], [first.json.rows, first.json.totals]);
    assert.notEqual(json.version, first.json.version);
    assert.notEqual(headers.get("etag"), first.headers.get("etag"));
    assert.ok(json.updated > first.json.updated);
  });
});

describe("what changed is seen", () => {
  test("events, at once, and never goes back", async () => {
    for (const [day, scope] of ["advertiser:lively", "service:lively-news", "platform"].entries()) {
      const query = { ...QUERY, scope, filter: "advertiser:eq:lively", ...(scope === "service:lively-news" && { filter: undefined }) };
      const before = (await admin.totals(query)).impressions;
      const waits = [];
      for (let i = 1; i <= 5; i++) {
        const events = impressions("lively", 1, { first: waits.length, day: day + 1 }).map((event) => ({ ...event, service: "lively-news" }));
        await sender.collect(events);
        const start = Date.now();
        let seen = before + i - 1;
        // Asked all the time, so that there are always news to go by, and always somebody who goes by them.
        while (seen < before + i) {
          const now = (await admin.totals(query)).impressions;
          assert.ok(now >= seen, `${now} after ${seen}`);
          seen = now;
          assert.ok(Date.now() - start < 5_000, "not seen within 5 s");
        }
        waits.push(Date.now() - start);
      }
      assert.ok(Math.max(...waits) < 2_000, `${scope}: waited ${waits.join(", ")} ms`);
    }
  });

  test("publications, at once, also by those who have older ones at hand; then closed ranges are trusted for longer", async () => {
    const query = { ...QUERY, scope: "advertiser:nightly" };
    await collected(query, impressions("nightly", 4), 4);
    for (const round of [1, 2, 3]) {
      const all = ["merged", "batch", "realtime"].map((source) => ({ ...query, source }));
      let isRunning = true;
      const watch = async () => {
        while (isRunning) for (const one of all) assert.ok((await admin.totals(one)).impressions <= 4 * round);
      };
      const watching = watch();
      await batch().finally(() => (isRunning = false));
      await watching;
      const [merged, fromBatch, realtime] = await Promise.all(all.map((one) => admin.report(one)));
      assert.deepEqual([merged, fromBatch, realtime].map(({ totals }) => totals.impressions), [4 * round, 4 * round, 0]);
      assert.equal(merged.generation, fromBatch.generation);
      await admin.report(query);
      await sleep(AFTER_TRUST_MS);
      const { found, asked } = await ask(query);
      assert.deepEqual([found, asked], ["hit", 0], "closed");
      // A late event of a closed range.
      await collected(query, impressions("nightly", 4, { first: 4 * round }), 4 * round + 4);
      assert.equal((await admin.report({ ...query, as_of: `g${merged.generation}` })).totals.impressions, 4 * round);
    }
  });

  test("publications, though events kept coming since somebody asked", async () => {
    const query = { ...QUERY, scope: "advertiser:busy", source: "batch" };
    await collected({ ...query, source: "merged" }, impressions("busy", 4), 4);
    await batch();
    await sender.collect(impressions("busy", 4, { first: 4 }));
    assert.equal((await admin.totals(query)).impressions, 4);
    // What the object tells of these must not make anybody trust what it said before.
    const start = Date.now();
    for (let i = 8; Date.now() - start < 4_800; i++) {
      await sender.collect(impressions("busy", 1, { first: i }));
      await sleep(200);
    }
    await batch();
    const { totals } = await admin.report({ ...query });
    assert.ok(totals.impressions > 8, `${totals.impressions} impressions ${Date.now() - start} ms after somebody asked`);
  });

  test("through a kill", async () => {
    const query = { ...QUERY, scope: "advertiser:killed" };
    await collected(query, impressions("killed", 3), 3);
    await admin.report(query);
    await sender.collect(impressions("killed", 3, { first: 3 }));
    await runtime.restart();
    await eventually(async () => assert.equal((await admin.totals(query)).impressions, 6), 10_000);
    const { json } = await ask(query, { "cache-control": "no-cache" });
    assert.equal(json.totals.impressions, 6);
  });
});

describe("whose it is", () => {
  const token = async (scope) => {
    const made = await admin.post("/v1/tokens", { name: scope, role: "analyst", scope });
    assert.equal(made.status, 201, made.text);
    return new Api(runtime.url, made.json.token);
  };

  test("two tenants ask the same and each gets its own, from the cache as well", async () => {
    await collected({ ...QUERY, scope: "advertiser:one" }, impressions("one", 2), 2);
    await collected({ ...QUERY, scope: "advertiser:two" }, impressions("two", 3), 3);
    const tenants = { one: [await token("advertiser:one"), 2], two: [await token("advertiser:two"), 3] };
    for (let i = 0; i < 3; i++) {
      for (const [name, [tenant, expected]] of Object.entries(tenants)) {
        const answer = await tenant.get("/v1/reports", { ...QUERY, by: "advertiser" });
        assert.deepEqual(answer.json.rows, [[name, expected, 0]], answer.headers.get("x-cache"));
        const other = name === "one" ? "two" : "one";
        const foreign = await tenant.get("/v1/reports", { ...QUERY, scope: `advertiser:${other}`, by: "advertiser" });
        assert.equal(foreign.status, 403, foreign.text);
      }
    }
    const last = await tenants.one[0].get("/v1/reports", { ...QUERY, by: "advertiser" });
    assert.notEqual(last.headers.get("x-cache"), "miss");
  });

  test("what many scopes have is kept until one of them changes", async () => {
    const query = { ...QUERY, by: "ad", filter: "advertiser:in:one,two", sort: "ad" };
    assert.deepEqual((await admin.report(query)).rows, [["a1", 5, 0]]);
    await eventually(async () => {
      const { found, asked, json } = await ask(query);
      assert.deepEqual([found, asked, json.rows], ["hit", 0, [["a1", 5, 0]]]);
    });
    await sleep(AFTER_TRUST_MS);
    const again = await ask(query);
    // An object that had something to tell meanwhile need not be asked.
    assert.ok(again.found === "revalidated" && again.asked >= 1 && again.asked <= 3, `${again.found} ${again.asked}`);
    await sender.collect(impressions("two", 1, { ad: "a2", first: 3 }));
    await eventually(async () => assert.deepEqual((await admin.report(query)).rows, [["a1", 5, 0], ["a2", 1, 0]]));
  });

  test("cells themselves are kept like reports of them", async () => {
    const query = { ...RANGE, scope: "advertiser:one", by: "day" };
    const first = await admin.get("/v1/segments", query);
    const report = await ask({ ...query, metrics: "impressions,reach" });
    assert.equal(first.status, 200, first.text);
    const second = await admin.get("/v1/segments", query);
    assert.equal(second.text, first.text);
    assert.notEqual(second.headers.get("x-cache"), "miss");
    assert.equal(report.found, "miss", "reach needs users, which the cells without it do not have");
  });
});

test("hits and misses are counted by kind of range", async () => {
  await admin.report({ ...QUERY, scope: "advertiser:quiet" });
  await eventually(async () => {
    const { text } = await admin.get("/metrics");
    for (const found of ["open_hit", "open_miss"]) assert.match(text, new RegExp(`adtally_report_cells_total\\{found="${found}"\\} [1-9]`));
  }, 15_000);
});
