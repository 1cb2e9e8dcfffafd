// Real time and batch are one report: what is counted again every night, while events keep arriving.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { eventually } from "./api.mjs";
import { METRICS, RANGE, crowd, recount } from "./crowd.mjs";
import { CATCH_UP_MS, batch, counted, ended, send, startBatch, withRuntime as withShards } from "./nightly.mjs";

const EVENTS = Number(process.env.ADTALLY_TEST_EVENTS ?? 300_000);
const DAYS = 5;

/** One of them has several shards. */
const ADVERTISERS = ["solo", "sharded", "third"];

/** For how long a task that is to be killed is under way. */
const SLOW_MS = 500;

const BY_CAMPAIGN = ({ advertiser, campaign }) => `${advertiser} ${campaign}`;
const BY_DAY = ({ advertiser, day }) => `${advertiser} ${day}`;

const withRuntime = (use, options) => withShards(3, use, options);

function assertSame(found, expected, what) {
  const places = [...new Set([...found.keys(), ...expected.keys()])].sort();
  const zero = Object.fromEntries(METRICS.map((metric) => [metric, 0]));
  const difference = (place) => {
    const [is, should] = [found, expected].map((totals) => totals.get(place) ?? zero);
    return METRICS.filter((metric) => is[metric] !== should[metric]).map((metric) => `${place}: ${is[metric]} ${metric} instead of ${should[metric]}`);
  };
  assert.deepEqual(places.flatMap(difference), [], what);
}

const only = (events, advertisers) => events.filter((event) => advertisers.includes(event.advertiser));

describe("the batch", () => {
  test(`${EVENTS} events over ${DAYS} days, batches in between: merged is the naive count at every check`, async (t) => {
    const events = crowd(EVENTS, ADVERTISERS, 11, DAYS);
    const quarter = Math.ceil(events.length / 4);
    const chunks = [0, 1, 2, 3].map((i) => events.slice(i * quarter, (i + 1) * quarter));
    await withRuntime(async (runtime, admin, sender) => {
      const sent = [];
      const published = new Map();
      const isMerged = (advertisers) => async () => {
        assertSame(await counted(admin, advertisers, "campaign"), recount(only(sent, advertisers)), "merged");
      };
      await send(sender, chunks[0]);
      sent.push(...chunks[0]);
      for (const [index, still] of ADVERTISERS.entries()) {
        await eventually(isMerged(ADVERTISERS), CATCH_UP_MS);
        // One advertiser gets no events while the batch runs: its figures must not move, at any instant.
        const next = chunks[index + 1];
        const others = ADVERTISERS.filter((advertiser) => advertiser !== still);
        const expected = recount(only(sent, [still]));
        let [checks, isRunning] = [0, true];
        const watch = async () => {
          for (; isRunning; checks++) assertSame(await counted(admin, [still], "campaign"), expected, `check ${checks} of ${still} in run ${index + 1}`);
        };
        const run = batch(admin).finally(() => (isRunning = false));
        const [state] = await Promise.all([run, watch(), send(sender, only(next, others))]);
        t.diagnostic(`run ${index + 1}: ${state.tasks.length} tasks, ${checks} checks meanwhile`);
        assert.ok(checks > 0);
        assertSame(await counted(admin, [still], "campaign", { source: "batch" }), expected, `batch of ${still}`);
        const report = await admin.report({ scope: `advertiser:${still}`, metrics: METRICS.join(), ...RANGE });
        // What the run before had of it already is not published again.
        assert.ok(report.generation >= 1 && report.generation <= index + 1, `generation ${report.generation}`);
        published.set(still, { generation: index + 1, byDay: recount(only(sent, [still]), BY_DAY) });
        await send(sender, only(next, [still]));
        sent.push(...next);
      }
      await eventually(isMerged(ADVERTISERS), CATCH_UP_MS);
      for (const advertiser of ADVERTISERS) {
        const query = { scope: `advertiser:${advertiser}`, metrics: METRICS.join(), ...RANGE };
        const [merged, fromBatch, realtime] = await Promise.all(["merged", "batch", "realtime"].map((source) => admin.totals({ ...query, source })));
        for (const metric of METRICS) assert.equal(merged[metric], fromBatch[metric] + realtime[metric], `${metric} of ${advertiser}`);
      }

      await batch(admin);
      const all = recount(sent, BY_CAMPAIGN);
      for (const source of ["batch", "merged"]) assertSame(await counted(admin, ADVERTISERS, "campaign", { source }), all, source);
      assertSame(await counted(admin, ADVERTISERS, "campaign", { source: "realtime" }), new Map(), "realtime");

      await sameAgain(admin);
      await asPublished(admin, published);
      await restated(admin, recount(sent, BY_DAY));
      await runtime.restart();
      assertSame(await counted(admin, ADVERTISERS, "campaign", { source: "batch" }), all, "after a restart");
    });
  });

  test("a run that is killed again and again ends right", async (t) => {
    const events = crowd(20_000, ADVERTISERS, 5, DAYS);
    await withRuntime(async (runtime, admin, sender) => {
      for (const half of [events.slice(0, 10_000), events.slice(10_000)]) {
        await send(sender, half);
        const run = await startBatch(admin);
        let kills = 0;
        for (; kills < 8; kills++) {
          await sleep(Math.random() * 700);
          if (["succeeded", "failed"].includes((await admin.get(`/v1/jobs/${run}`)).json.state)) break;
          await runtime.restart();
        }
        const { state, tasks } = await ended(admin, run);
        assert.equal(state, "succeeded", JSON.stringify(tasks.filter((task) => task.error)));
        t.diagnostic(`${kills} kills, ${tasks.length} tasks, ${tasks.filter((task) => task.attempts > 1).length} of them more than once`);
      }
      await batch(admin);
      const expected = recount(events);
      for (const source of ["batch", "merged"]) assertSame(await counted(admin, ADVERTISERS, "campaign", { source }), expected, source);
    });
  });

  test("a run that is killed at each of its steps ends right, and its archive is compact", async (t) => {
    const steps = new Set(["plan", "archive", "judge", "cut", "link", "scopes", "publish", "finish", "compact"]);
    const events = crowd(18_000, ADVERTISERS, 21, DAYS);
    const chunk = 600;
    await withRuntime(async (runtime, admin, sender) => {
      const sent = [];
      for (let round = 0; round < 3 && steps.size > 0; round++) {
        // So many small files that they are worth a merge.
        for (let part = 0; part < 10; part++) {
          const some = events.slice(sent.length, sent.length + chunk);
          await send(sender, some);
          sent.push(...some);
          for (const source of ["solo/0", "third/0"]) assert.equal((await runtime.call("LINKER", source, "/cut", Uint8Array.of(1, 0))).status, 200);
        }
        const run = await startBatch(admin);
        const killed = new Map();
        for (let state; !["succeeded", "failed"].includes(state); ) {
          const found = (await admin.get(`/v1/jobs/${run}`)).json;
          state = found.state;
          const running = found.tasks.find((task) => task.state === "running" && steps.has(task.id.split(":")[0]));
          if (running) {
            // Before it has done anything, in the middle, or when all is done and not told, which takes SLOW_MS more.
            await sleep(Math.random() * 0.6 * SLOW_MS);
            await runtime.restart();
            killed.set(running.id, running.attempts);
            steps.delete(running.id.split(":")[0]);
          } else await sleep(2);
        }
        const { state, tasks } = await ended(admin, run);
        assert.equal(state, "succeeded", JSON.stringify(tasks.filter((task) => task.error)));
        const attempts = new Map(tasks.map((task) => [task.id, task.attempts]));
        // Some ended, and were heard, between the look and the kill.
        const again = [...killed].filter(([id, before]) => attempts.get(id) > before).map(([id]) => id);
        for (const id of killed.keys()) if (!again.includes(id)) steps.add(id.split(":")[0]);
        t.diagnostic(`run ${round + 1}: killed in ${[...killed.keys()].join(", ")}; done again: ${again.join(", ")}`);
        const expected = recount(sent);
        for (const source of ["batch", "merged"]) assertSame(await counted(admin, ADVERTISERS, "campaign", { source }), expected, source);
      }
      assert.deepEqual([...steps], [], "steps that were never killed");
      await compacted(runtime, admin, sent);
    }, { slowTasksMs: SLOW_MS });
  });

  test("a user with too many clicks in a day is found by the batch, and real time goes by it from then on", async () => {
    await withRuntime(async (runtime, admin, sender) => {
      // Recent: a day whose events may be forgotten is not judged any more.
      const day = (ago) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
      const at = Date.parse(`${day(3)}T08:00:00Z`);
      const range = { from: day(5), to: day(-1) };
      const base = { advertiser: "solo", ad: "a1", campaign: "c1", service: "s1", cost_micros: 10 };
      const seen = { ...base, id: "i", kind: "impression", at, user: "many" };
      const click = (n) => ({ ...base, id: `k${n}`, kind: "click", at: at + 60_000 + n * 5_000, user: "many", impression: "i" });
      const clicks = Array.from({ length: 150 }, (_, n) => click(n));
      // The day after: it loses its click by the ruling, though nothing of its own day is new.
      const bought = { ...base, ad: undefined, id: "v", kind: "conversion", at: at + 30 * 3_600_000, user: "many", click: "k7" };
      const other = { ...base, id: "k", kind: "click", at: at + 60_000, user: "few", impression: "none" };
      await send(sender, [seen, ...clicks.slice(0, 90), bought, other]);
      const metrics = "impressions,clicks,invalid_clicks,flood_clicks,conversions,unattributed,cost_micros";
      const totals = (source) => admin.totals({ scope: "advertiser:solo", metrics, ...range, source });
      const few = { impressions: 1, clicks: 91, invalid_clicks: 0, flood_clicks: 0, conversions: 1, unattributed: 0, cost_micros: 930 };
      await eventually(async () => assert.deepEqual(await totals("merged"), few), CATCH_UP_MS);
      await batch(admin);
      assert.deepEqual(await totals("batch"), few);

      await send(sender, clicks.slice(90));
      const many = { ...few, clicks: 151, cost_micros: 1_530 };
      await eventually(async () => assert.deepEqual(await totals("merged"), many), CATCH_UP_MS);
      await batch(admin);
      const ruled = { ...few, clicks: 1, invalid_clicks: 150, flood_clicks: 150, unattributed: 1, cost_micros: 30 };
      for (const source of ["batch", "merged"]) assert.deepEqual(await totals(source), ruled, source);
      await eventually(async () => {
        const { json } = await admin.get("/v1/billing", { advertiser: "solo", ...range });
        assert.match(JSON.stringify(json), /"net_micros":30\b/);
      }, CATCH_UP_MS);

      await runtime.restart();
      await send(sender, [click(150)]);
      const later = { ...ruled, invalid_clicks: 151, flood_clicks: 151 };
      await eventually(async () => assert.deepEqual(await totals("merged"), later), CATCH_UP_MS);
      assert.deepEqual(await totals("batch"), ruled);
    });
  });

  test("a damaged file of the archive fails the run and changes nothing; repaired, the run ends", async () => {
    const events = crowd(3_000, ["solo"], 9, 2);
    await withRuntime(async (runtime, admin, sender) => {
      await send(sender, events);
      const expected = recount(events);
      await batch(admin);
      const before = await admin.report({ scope: "advertiser:solo", metrics: "impressions", ...RANGE });
      // A day whose file is read again, because one more event of it arrives.
      const late = { ...events.find((event) => event.kind === "impression"), id: "late" };
      const bucket = await runtime.bucket("STORE");
      const day = new Date(late.at).toISOString().slice(0, 10);
      const { objects } = await bucket.list({ prefix: `raw/advertiser=solo/day=${day}/` });
      const bytes = new Uint8Array(await (await bucket.get(objects[0].key)).arrayBuffer());
      const damaged = bytes.slice();
      damaged[Math.floor(damaged.length / 3)] ^= 0x55;
      await bucket.put(objects[0].key, damaged);
      await send(sender, [late]);
      const run = await startBatch(admin);
      const failed = await ended(admin, run);
      assert.equal(failed.state, "failed");
      const errors = failed.tasks.map((task) => task.error).filter(Boolean);
      assert.ok(errors.some((error) => error.includes(objects[0].key)), JSON.stringify(errors));
      const since = await admin.report({ scope: "advertiser:solo", metrics: "impressions", ...RANGE, source: "batch" });
      assert.equal(since.generation, before.generation);
      await eventually(async () => assertSame(await counted(admin, ["solo"], "campaign"), recount([...events, late]), "merged"), CATCH_UP_MS);

      await bucket.put(objects[0].key, bytes);
      const retry = await admin.post(`/v1/jobs/${run}/retry`, { task: null });
      assert.ok(retry.status < 300, retry.text);
      assert.equal((await ended(admin, run)).state, "succeeded");
      for (const source of ["batch", "merged"]) {
        assertSame(await counted(admin, ["solo"], "campaign", { source }), recount([...events, late]), source);
      }
      assert.notDeepEqual(expected, recount([...events, late]));
    });
  });
});

/** The bucket has what the manifest names and nothing else, in few files, with every event once. */
async function compacted(runtime, admin, sent) {
  const bucket = await runtime.bucket("STORE");
  for (const advertiser of ["solo", "third"]) {
    const { files, entries } = (await admin.get("/v1/archive", { advertiser })).json;
    await eventually(async () => {
      const { objects } = await bucket.list({ prefix: `raw/advertiser=${advertiser}/` });
      assert.deepEqual(objects.map(({ key }) => key).sort(), files.map(({ key }) => key).sort());
    }, CATCH_UP_MS);
    const most = Math.max(...files.map(({ day }) => files.filter((file) => file.day === day).length));
    assert.ok(most < 8, `${most} files of a day of ${advertiser}`);
    assert.ok(entries >= new Set(only(sent, [advertiser]).map(({ kind, id }) => `${kind} ${id}`)).size, `${entries} entries`);
  }
}

/** A second run of the same days changes nothing. */
async function sameAgain(admin) {
  const look = async () => {
    const reports = [];
    for (const advertiser of ADVERTISERS) reports.push(await admin.report({ scope: `advertiser:${advertiser}`, by: "day", metrics: METRICS.join(), ...RANGE }));
    const restatements = (await admin.get("/v1/restatements", { ...RANGE, limit: "1" })).json;
    return { reports, restatements };
  };
  const before = await look();
  await batch(admin, ["2026-03-02", "2026-03-03"]);
  assert.deepEqual(await look(), before);
}

/** What was published can be read as it was. */
async function asPublished(admin, published) {
  for (const [advertiser, { generation, byDay }] of published) {
    assertSame(await counted(admin, [advertiser], "day", { as_of: `g${generation}` }), byDay, `${advertiser} as of g${generation}`);
  }
}

/** The totals of a day are its first publication and its restatements. */
async function restated(admin, expected) {
  for (const advertiser of ADVERTISERS) {
    const sums = new Map();
    for (let generation = 1; generation <= 4; generation++) {
      for (const [place, totals] of await counted(admin, [advertiser], "day", { as_of: `g${generation}` })) {
        if (!sums.has(place)) sums.set(place, { ...totals });
      }
    }
    for (let cursor; ; ) {
      const answer = await admin.get("/v1/restatements", { scope: `advertiser:${advertiser}`, ...RANGE, limit: "10000", cursor });
      assert.equal(answer.status, 200, answer.text);
      for (const { hour, measure, from, to } of answer.json.restatements) {
        const totals = sums.get(`${advertiser} ${new Date(hour).toISOString().slice(0, 10)}`);
        if (METRICS.includes(measure)) totals[measure] += to - from;
      }
      cursor = answer.json.next;
      if (cursor === undefined || cursor === null) break;
    }
    assertSame(sums, new Map([...expected].filter(([place]) => place.startsWith(`${advertiser} `))), `restatements of ${advertiser}`);
  }
}
