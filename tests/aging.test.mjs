// What time does to a shard: its log is trimmed, its files are merged, what nobody names is swept away; nothing is lost.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { eventually } from "./api.mjs";
import { METRICS, RANGE, crowd, recount } from "./crowd.mjs";
import { CATCH_UP_MS, batch, counted, ended, onlyOnDemand, send, withRuntime as withShards } from "./nightly.mjs";

const DAY_MS = 86_400_000;
const DAYS = 2;
const ADVERTISERS = ["solo"];
const SOURCE = "solo/0";

const withRuntime = (use) => withShards(1, use);
const ofSolo = (admin, query) => counted(admin, ADVERTISERS, "campaign", query);

/** The keys of the bucket below the archive of the advertiser, and those that its manifest names. */
async function files(runtime, admin) {
  const { objects, truncated } = await (await runtime.bucket("STORE")).list({ prefix: "raw/advertiser=solo/" });
  assert.equal(truncated, false);
  const { json } = await admin.get("/v1/archive", { advertiser: "solo" });
  return { stored: objects.map(({ key }) => key).sort(), named: json.files.map(({ key }) => key).sort() };
}

/** Sends events, a file a day of each part of them. */
async function sendInFiles(runtime, sender, events, parts = 10) {
  const size = Math.ceil(events.length / parts);
  for (let n = 0; n < events.length; n += size) {
    await send(sender, events.slice(n, n + size));
    assert.equal((await runtime.call("LINKER", SOURCE, "/cut", Uint8Array.of(1, 0))).status, 200);
  }
}

/** Events like others, with other ids and of other users. */
function renamed(events, prefix) {
  const named = (event, field) => (event[field] === undefined ? {} : { [field]: `${prefix}${event[field]}` });
  return events.map((event) => ({ ...event, ...Object.assign({}, ...["id", "user", "impression", "click"].map((field) => named(event, field))) }));
}

/**
 * Sends an event, kills the runtime right after it, and starts it with a clock that is ahead. The alarm that each commit
 * leaves rings by the real clock, two seconds after it, and does what is due by the other one.
 */
async function later(runtime, sender, event, aheadMs) {
  runtime.aheadMs = 0;
  await runtime.restart();
  await send(sender, [event]);
  runtime.aheadMs = aheadMs;
  await runtime.restart();
  await sleep(5_000);
}

describe("with time", () => {
  test("the log is trimmed once it is archived, spilled and a week old, and what it held is still there", async () => {
    // More than a Linker keeps in memory: what is in memory stays in the log.
    const FILL = 36_000;
    const now = Date.now();
    const dims = { advertiser: "solo", campaign: "c1", ad: "a1", service: "s1", cost_micros: 7 };
    const impression = (n) => ({ ...dims, kind: "impression", id: `i${n}`, at: now - 60_000 + n, user: `u${n}`, props: { n: `${n}` } });
    const click = { ...dims, kind: "click", id: "k0", at: now, user: "u0", impression: "i0" };
    const range = { from: new Date(now - DAY_MS).toISOString().slice(0, 10), to: new Date(now + 12 * DAY_MS).toISOString().slice(0, 10) };
    await withRuntime(async (runtime, admin, sender) => {
      await onlyOnDemand(admin);
      const totals = (source) => admin.totals({ scope: "advertiser:solo", metrics: "impressions,clicks,linked_clicks,conversions,unattributed,duplicates,cost_micros", ...range, source });
      const listed = async () => (await admin.get("/v1/events", { advertiser: "solo", limit: "1000", user: "u0" })).json;
      await send(sender, [click, ...Array.from({ length: FILL }, (_, n) => impression(n))]);
      // Kept in memory and in the log's last rows.
      await send(sender, [impression(FILL)]);
      await batch(admin);
      const before = { impressions: FILL + 1, clicks: 1, linked_clicks: 1, conversions: 0, unattributed: 0, duplicates: 0, cost_micros: 7 * (FILL + 2) };
      assert.deepEqual(await totals("batch"), before);
      assert.deepEqual([(await listed()).complete, (await listed()).events.length], [true, 2]);

      // Six days later it is still listed: no row is old enough.
      await later(runtime, sender, impression(FILL + 1), 6 * DAY_MS);
      assert.deepEqual([(await listed()).complete, (await listed()).events.length], [true, 2]);

      await later(runtime, sender, impression(FILL + 2), 8 * DAY_MS);
      const bought = { ...dims, ad: undefined, campaign: undefined, kind: "conversion", id: "v0", at: now + 8 * DAY_MS, user: "u0", label: "purchase" };
      await send(sender, [bought]);
      await eventually(async () => assert.equal((await listed()).complete, false, "the log is not trimmed"), CATCH_UP_MS);
      assert.deepEqual((await listed()).events.map(({ event }) => event.id), ["v0"], "of this user the log has what is new");
      // From the runs and the archive, whole: the linker itself does not keep props.
      const story = (await admin.get("/v1/events/i0", { advertiser: "solo" })).json;
      assert.deepEqual(story.event.props, { n: "0" });
      const after = { ...before, impressions: FILL + 3, conversions: 1, cost_micros: 7 * (FILL + 5) };
      for (let round = 0; round < 2; round++) {
        await eventually(async () => assert.deepEqual(await totals(), after), CATCH_UP_MS);
        const linked = (await admin.get("/v1/events/v0", { advertiser: "solo" })).json;
        assert.deepEqual([linked.click, linked.impression], ["k0", "i0"], "linked to what is gone from the log");
        // What is left of the log, and the runs, are all that a start has.
        await runtime.restart();
      }
      await batch(admin, [range.from, new Date(now).toISOString().slice(0, 10)]);
      for (const source of ["batch", "merged"]) assert.deepEqual(await totals(source), after, source);
    });
  });

  test("a link task that is run again after its files were merged takes the merged ones", async () => {
    const events = crowd(6_000, ADVERTISERS, 31, DAYS);
    await withRuntime(async (runtime, admin, sender) => {
      await sendInFiles(runtime, sender, events);
      const { named: small } = await files(runtime, admin);
      const dayOf = (key) => /day=([\d-]+)/.exec(key)[1];
      const ofDay = (keys, day) => keys.filter((key) => dayOf(key) === day);
      const [day] = small.map(dayOf).sort((a, b) => ofDay(small, b).length - ofDay(small, a).length);
      assert.ok(ofDay(small, day).length >= 8, `so many files of ${day} are worth a merge: ${small}`);
      const { run, tasks } = await batch(admin);
      await eventually(async () => {
        const { stored, named } = await files(runtime, admin);
        assert.deepEqual(stored, named);
        assert.ok(ofDay(named, day).length === 1 && !small.includes(ofDay(named, day)[0]), `${ofDay(named, day)}`);
      }, CATCH_UP_MS);
      const link = tasks.find(({ id }) => id.startsWith(`link:${SOURCE}/${day}/`));
      const attempts = link.attempts;
      const retry = await admin.post(`/v1/jobs/${run}/retry`, { task: link.id });
      assert.ok(retry.status < 300, retry.text);
      const { state, tasks: again } = await ended(admin, run);
      assert.equal(state, "succeeded", JSON.stringify(again.filter(({ error }) => error)));
      assert.ok(again.find(({ id }) => id === link.id).attempts > attempts, "the task ran again");
      const { json } = await admin.get(`/v1/jobs/${run}/tasks/${encodeURIComponent(link.id)}`);
      assert.match(JSON.stringify(json.log), /files were merged since the cut/);
      for (const source of ["batch", "merged"]) assert.deepEqual(await ofSolo(admin, { source }), recount(events), source);
    });
  });

  test("merged files that no manifest names are swept away after a day, and no others", async () => {
    const events = crowd(3_000, ADVERTISERS, 37, DAYS);
    const later = renamed(crowd(3_000, ADVERTISERS, 38, DAYS), "later-");
    await withRuntime(async (runtime, admin, sender) => {
      const bucket = await runtime.bucket("STORE");
      const day = new Date(events[0].at).toISOString().slice(0, 10);
      const folder = `raw/advertiser=solo/day=${day}/shard=0/`;
      // One that a merge left which was given up, and one that no merge ever made.
      const [stray, foreign] = [`${folder}1-9.0badcafe.parquet`, `${folder}notes.txt`];
      for (const key of [stray, foreign]) await bucket.put(key, "nobody's");
      await onlyOnDemand(admin);
      const others = async () => {
        const { stored, named } = await files(runtime, admin);
        return stored.filter((key) => !named.includes(key));
      };
      await sendInFiles(runtime, sender, events);
      await batch(admin);
      await eventually(async () => assert.deepEqual(await others(), [stray, foreign].sort(), "a file of today may be somebody's"), CATCH_UP_MS);

      runtime.aheadMs = 2 * DAY_MS;
      await runtime.restart();
      await sendInFiles(runtime, sender, later);
      await batch(admin);
      await eventually(async () => assert.deepEqual(await others(), [foreign]), CATCH_UP_MS);
      const all = recount([...events, ...later]);
      for (const source of ["batch", "merged"]) assert.deepEqual(await ofSolo(admin, { source }), all, source);
    });
  });
});
