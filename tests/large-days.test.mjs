// Days that are too large to be linked at once, and users who have too many events for it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { eventually, mapConcurrently, untilAcknowledged } from "./api.mjs";
import { backup, step } from "./backups.mjs";
import { crowd, recount } from "./crowd.mjs";
import { CATCH_UP_MS, RUN_MS, counted, ended, startBatch, succeeded, withRuntime } from "./nightly.mjs";

const SOURCE = "solo/0";
const DAY_MS = 86_400_000;
const BODY = 5_000;

/** More than a part of a day, on the first of the two days over which they are. */
const EVENTS = 240_000;
/** For how long a task that is to be killed is under way. */
const SLOW_MS = 500;

/** More of a user than are held at once: 400,000. */
const TOO_MANY = Number(process.env.ADTALLY_TEST_TOO_MANY ?? 410_000);

/** Sends events in large bodies, and has the log archived now and then. */
async function sendInFiles(runtime, sender, events, files = 10) {
  const size = Math.ceil(events.length / files);
  for (let from = 0; from < events.length; from += size) {
    const some = events.slice(from, Math.min(from + size, events.length));
    const bodies = Array.from({ length: Math.ceil(some.length / BODY) }, (_, i) => some.slice(i * BODY, (i + 1) * BODY));
    await mapConcurrently(bodies, 2, (body) => untilAcknowledged(sender, body));
    assert.equal((await runtime.call("LINKER", SOURCE, "/cut", Uint8Array.of(1, 0))).status, 200);
  }
}

/** What the parts of a day say that they did. */
async function told(admin, run, day) {
  const { tasks } = (await admin.get(`/v1/jobs/${run}`)).json;
  const links = tasks.filter(({ id }) => id.startsWith(`link:${SOURCE}/${day}/`));
  assert.ok(links.length > 0, `${day} was not linked: ${tasks.map(({ id }) => id)}`);
  const logs = await Promise.all(links.map(({ id }) => admin.get(`/v1/jobs/${run}/tasks/${encodeURIComponent(id)}`)));
  return logs.map(({ text }) => text).join("\n");
}

const stepOf = (task) => task.id.split(":")[0];

describe("a large day", () => {
  test("is merged before it is linked, and a run that is killed meanwhile ends right", async (t) => {
    const events = crowd(EVENTS, ["solo"], 51, 1);
    await withRuntime(1, async (runtime, admin, sender) => {
      await sendInFiles(runtime, sender, events);
      const before = (await admin.get("/v1/archive", { advertiser: "solo" })).json;
      const [day] = before.files.map((file) => file.day).sort();
      const ofDay = ({ files }) => files.filter((file) => file.day === day);
      assert.ok(ofDay(before).length >= 8, `${ofDay(before).length} files of ${day}`);

      // It names the new files, which are gone after the batch.
      const id = await backup(admin);

      const run = await startBatch(admin);
      const killed = [];
      for (let state; !["succeeded", "failed"].includes(state); ) {
        const found = (await admin.get(`/v1/jobs/${run}`)).json;
        state = found.state;
        const merging = found.tasks.find((task) => task.state === "running" && stepOf(task) === "merge");
        if (merging && killed.length < 3) {
          // While it merges, or when all is done and not told.
          await sleep(Math.random() * 3 * SLOW_MS);
          await runtime.restart();
          killed.push(merging.id);
        } else await sleep(5);
      }
      const { state, tasks } = await ended(admin, run);
      assert.equal(state, "succeeded", JSON.stringify(tasks.filter((task) => task.error)));
      assert.ok(killed.length > 0, `no merge was seen at work: ${tasks.map((task) => task.id)}`);
      const links = tasks.filter((task) => task.id.startsWith(`link:${SOURCE}/${day}/`));
      assert.ok(links.length > 1, `${day} has ${links.length} parts`);
      t.diagnostic(`killed in ${killed.join(", ")}; ${tasks.filter((task) => task.attempts > 1).length} tasks more than once`);

      const expected = recount(events);
      for (const source of ["batch", "merged"]) assert.deepEqual(await counted(admin, ["solo"], "campaign", { source }), expected, source);
      const after = (await admin.get("/v1/archive", { advertiser: "solo" })).json;
      assert.equal(after.entries, before.entries, "every entry once");
      assert.equal(ofDay(after).length, 1, JSON.stringify(ofDay(after)));
      await eventually(async () => {
        const { objects } = await (await runtime.bucket("STORE")).list({ prefix: "raw/" });
        assert.deepEqual(objects.map(({ key }) => key).sort(), after.files.map(({ key }) => key).sort());
      }, CATCH_UP_MS);
      const { objects } = await (await runtime.bucket("STORE")).list({ prefix: "backups/kept/" });
      const kept = new Set(objects.map(({ key }) => key));
      assert.deepEqual(ofDay(before).filter(({ key }) => !kept.has(`backups/kept/${key}`)), [], "all that the backup names is kept");
      assert.equal((await step(admin, id, { step: "check" })).status, 200);
    }, { slowTasksMs: SLOW_MS });
  });

  test("a name that is nowhere has no merged file opened, one that is somewhere is found", async () => {
    await withRuntime(1, async (runtime, admin, sender) => {
      const midnight = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS;
      const [before, day, after] = [-3, 0, 1].map((n) => new Date(midnight + n * DAY_MS).toISOString().slice(0, 10));
      const dims = { advertiser: "solo", campaign: "c1", ad: "a1", service: "s1" };
      const impressions = Array.from({ length: 900 }, (_, n) => ({ ...dims, kind: "impression", id: `i${n}`, user: `u${n % 90}`, at: midnight - 3 * DAY_MS + n }));
      const click = (id, impression) => ({ ...dims, kind: "click", id, user: "u7", impression, at: midnight + 3_600_000 });
      // Names are all that these days have to do with each other.
      const windows = await admin.put("/v1/advertisers/solo", { click_window_ms: 5 * DAY_MS, repeat_click_ms: 0 });
      assert.ok(windows.status < 300, windows.text);
      await sendInFiles(runtime, sender, impressions, 9);
      await succeeded(admin, await startBatch(admin));
      const bucket = await runtime.bucket("STORE");
      const merged = (await bucket.list({ prefix: `raw/advertiser=solo/day=${before}/` })).objects;
      const indexes = async () => (await bucket.list({ prefix: "names/" })).objects.map(({ key }) => key);
      assert.deepEqual(await indexes(), merged.map(({ key }) => key.replace("raw/", "names/")));
      const clicks = () => admin.totals({ scope: "advertiser:solo", source: "batch", metrics: "clicks,linked_clicks", from: day, to: after });

      await untilAcknowledged(sender, [click("k0", "nowhere")]);
      let run = (await succeeded(admin, await startBatch(admin))).run;
      assert.match(await told(admin, run, day), /1 passed over by their names/);
      assert.deepEqual(await clicks(), { clicks: 1, linked_clicks: 0 });

      await untilAcknowledged(sender, [click("k1", "i7")]);
      run = (await succeeded(admin, await startBatch(admin))).run;
      assert.match(await told(admin, run, day), / 0 passed over by their names/);
      assert.deepEqual(await clicks(), { clicks: 2, linked_clicks: 1 });

      // Where the index says nothing the file does.
      const [index] = await indexes();
      for (const spoil of [() => bucket.put(index, new Uint8Array(100)), () => bucket.delete(index)]) {
        await spoil();
        run = (await succeeded(admin, await startBatch(admin, [day]))).run;
        assert.match(await told(admin, run, day), / 0 passed over by their names/);
        assert.deepEqual(await clicks(), { clicks: 2, linked_clicks: 1 });
      }
    });
  });

  test("a user with more events than fit is counted, and does not stop the batch", async (t) => {
    await withRuntime(1, async (runtime, admin, sender) => {
      const midnight = Math.floor(Date.now() / DAY_MS) * DAY_MS - 2 * DAY_MS;
      const dims = { advertiser: "solo", campaign: "c1", ad: "a1", service: "s1", cost_micros: 10 };
      // Of some kinds few: these count as ever.
      const hot = Array.from({ length: TOO_MANY }, (_, n) => ({ ...dims, kind: "impression", id: `i${n}`, user: "hot", at: midnight + Math.floor((n / TOO_MANY) * DAY_MS) }));
      const clicks = Array.from({ length: 20 }, (_, n) => ({ ...dims, kind: "click", id: `k${n}`, user: "hot", impression: `i${n}`, at: hot[n].at + 5_000 * (n + 1) }));
      const others = Array.from({ length: 500 }, (_, n) => ({ ...dims, kind: "impression", id: `o${n}`, user: `u${n % 50}`, at: midnight + n * 60_000 }));
      const again = hot.slice(0, 30);
      await sendInFiles(runtime, sender, [...others, ...hot, ...clicks, ...again], 2);
      const day = (n) => new Date(midnight + n * DAY_MS).toISOString().slice(0, 10);
      const metrics = "impressions,clicks,linked_clicks,invalid_impressions,flood_impressions,duplicates,cost_micros";
      const totals = (source) => admin.totals({ scope: "advertiser:solo", metrics, from: day(-1), to: day(3), source });
      const run = await startBatch(admin);
      const { state, tasks } = await ended(admin, run, 2 * RUN_MS);
      assert.equal(state, "succeeded", JSON.stringify(tasks.filter((task) => task.error)));
      const expected = { impressions: 500, clicks: 20, linked_clicks: 0, invalid_impressions: TOO_MANY, flood_impressions: TOO_MANY, duplicates: 30, cost_micros: 5_200 };
      assert.deepEqual(await totals("batch"), expected);
      await eventually(async () => assert.deepEqual(await totals("merged"), expected), 4 * CATCH_UP_MS);
      const log = [];
      for (const { id } of tasks.filter((task) => stepOf(task) === "link")) log.push((await admin.get(`/v1/jobs/${run}/tasks/${encodeURIComponent(id)}`)).text);
      assert.match(log.join(), /counting such users as they come/);
      const { memory_bytes } = await runtime.usage("solo");
      t.diagnostic(`${Math.round(memory_bytes / 1e6)} MB of WebAssembly memory; ${tasks.length} tasks, at most ${Math.max(...tasks.map((task) => Date.parse(task.ended) - Date.parse(task.started)))} ms`);
    });
  });
});
