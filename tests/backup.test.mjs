// Backups and restores: what is restored is what was there, nothing is lost or double with what is sent afterwards, through
// kills, and nothing is done with what is damaged (BACKUP-1).

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { eventually, isProblem, mapConcurrently, ndjson } from "./api.mjs";
import { backup, complete, fresh, people, restore, step, steps, surviving } from "./backups.mjs";
import { run } from "./clients.mjs";
import { RANGE, crowd, recount } from "./crowd.mjs";
import { CATCH_UP_MS, batch, counted, ended, send, start, succeeded, withRuntime } from "./nightly.mjs";
import { ROOT, program } from "./server.mjs";

const ADVERTISERS = ["sharded", "globex"];
const SHARDS = 3;
const EVENTS = crowd(3_000, ADVERTISERS, 77);
const THIRD = EVENTS.length / 3;
const [FIRST, SECOND, LAST] = [0, 1, 2].map((at) => EVENTS.slice(at * THIRD, (at + 1) * THIRD));

const sent = (sender, events) => sender.post("/v1/events", ndjson(events), { "content-type": "application/x-ndjson" });

const counts = (admin, expected, query) =>
  eventually(async () => assert.deepEqual(await counted(admin, ADVERTISERS, "campaign", query), recount(expected)), CATCH_UP_MS);

/** What advertisers are charged is what the reports say that it costs; answers it. */
async function billed(admin) {
  const charged = [];
  for (const advertiser of ADVERTISERS) {
    const { json } = await admin.get("/v1/billing", { advertiser, ...RANGE });
    const { cost_micros } = await admin.totals({ scope: `advertiser:${advertiser}`, metrics: "cost_micros", ...RANGE });
    assert.deepEqual(json.totals.map(({ net_micros }) => net_micros), [cost_micros], advertiser);
    charged.push(cost_micros);
  }
  return charged;
}

/** Those of the events that are stored. */
async function stored(admin, events) {
  const known = await mapConcurrently(events, 8, async ({ id, advertiser }) => {
    const { status, text } = await admin.get(`/v1/events/${id}`, { advertiser });
    assert.ok([200, 404].includes(status), text);
    return status === 200;
  });
  return events.filter((_, at) => known[at]);
}

/** What people have set. */
async function settings(admin) {
  const paths = ["/v1/advertisers", "/v1/campaigns", "/v1/services", "/v1/tokens", "/v1/views", "/v1/jobs/definitions/mine"];
  return Promise.all(paths.map(async (path) => (await admin.get(path)).json));
}

/** All is there, is sent again, and is there once. */
async function goesOn(admin, sender, known) {
  await counts(admin, known);
  await eventually(() => billed(admin), CATCH_UP_MS);
  await send(sender, EVENTS);
  await counts(admin, EVENTS);
  await eventually(() => billed(admin), CATCH_UP_MS);
  await batch(admin);
  await counts(admin, EVENTS);
  await counts(admin, EVENTS, { source: "batch" });
  await eventually(() => billed(admin), CATCH_UP_MS);
}

describe("a backup", { timeout: 600_000 }, () => {
  test("is made while events come, and everything can be restored from it", () =>
    withRuntime(SHARDS, async (runtime, admin, sender) => {
      const token = (await admin.post("/v1/tokens", { name: "Kim", role: "analyst", scope: "advertiser:globex" })).json.token;
      await admin.put("/v1/campaigns/c1", { advertiser: "globex", name: "여름" });
      await admin.put("/v1/services/s1", { name: "Daily" });
      await admin.put("/v1/jobs/definitions/mine", { tasks: [{ id: "say", kind: "echo", params: { say: "hello" } }] });
      await sender.post("/v1/events", { id: "bad", advertiser: "globex", kind: "nothing" });
      await send(sender, FIRST);
      await batch(admin);

      const sending = send(sender, SECOND);
      const id = await backup(admin);
      await sending;
      const kept = await settings(admin);
      const { json: listed } = await admin.get("/v1/backups");
      assert.deepEqual(listed.backups.map(({ id: name, complete: is }) => [name, is]), [[id, true]]);
      assert.ok(listed.backups[0].bytes > 10_000 && listed.backups[0].files > 0, JSON.stringify(listed));
      // What comes after it is lost, and was acknowledged: its senders have it. It leaves files in the archive.
      await send(sender, LAST);
      await batch(admin);
      await counts(admin, EVENTS);
      const bucket = await surviving(runtime);
      const lost = await runtime.leave();

      const again = await fresh(lost, bucket);
      try {
        const { admin, sender } = people(again);
        const { stdout } = await run(program("xtask", "ADTALLY_XTASK"), ["restore", "--url", again.url, "--backup", id], {
          cwd: ROOT,
          env: { ...process.env, ADTALLY_TOKEN: again.adminToken },
        });
        assert.match(stdout, /begin: \d+ parts, [1-9]\d* later files of the archive put aside/);
        assert.match(stdout, /restore: done/);
        assert.deepEqual(await settings(admin), kept);
        assert.equal((await admin.as(token).get("/v1/reports", { metrics: "clicks", ...RANGE })).status, 200);
        assert.equal((await admin.get("/v1/rejected", { advertiser: "globex" })).json.rejected[0]?.event.id, "bad");
        assert.deepEqual((await admin.get("/v1/jobs", { job: "batch" })).json.runs.map(({ run: name }) => name), ["batch-1"]);

        const seconds = await stored(admin, SECOND);
        const known = [...FIRST, ...seconds];
        assert.equal((await stored(admin, FIRST)).length, FIRST.length);
        assert.equal((await stored(admin, LAST)).length, 0);
        await counts(admin, known);
        const first = await sent(sender, FIRST.slice(0, 400));
        assert.deepEqual([first.json.accepted, first.json.duplicates], [0, 400]);
        await goesOn(admin, sender, known);
        // Nobody reads an event twice in the archive either.
        const { json: archive } = await admin.get("/v1/archive", { advertiser: "globex" });
        const names = new Set(archive.files.map(({ key }) => key));
        const files = [...(await surviving(again)).keys()].filter((key) => key.startsWith("raw/advertiser=globex/"));
        assert.deepEqual(files.filter((key) => !names.has(key)), []);
        // And it can be backed up again.
        assert.notEqual(await backup(admin), id);
      } finally {
        await again.stop();
      }
    }));

  test("is complete or none when it is killed, and so is a restore", () =>
    withRuntime(
      SHARDS,
      async (runtime, admin, sender) => {
        await send(sender, FIRST);
        const run = await start(admin, undefined, "/v1/backups");
        const sending = send(sender, SECOND);
        for (const wait of [900, 2_500, 3_500, 1_500]) {
          await sleep(wait);
          await runtime.restart();
        }
        await sending;
        await succeeded(admin, run);
        const id = await complete(admin);
        const bucket = await surviving(runtime);
        const lost = await runtime.leave();

        const again = await fresh(lost, bucket);
        try {
          const { admin, sender } = people(again);
          const all = await steps(admin, id);
          for (const stop of [0.2, 0.45, 0.6, 0.9]) {
            for (const body of all.slice(0, Math.ceil(all.length * stop))) {
              const { status, text } = await step(admin, id, body);
              assert.equal(status, 200, `${JSON.stringify(body)}: ${text}`);
            }
            await again.restart();
          }
          await restore(admin, id);
          await goesOn(admin, sender, [...FIRST, ...(await stored(admin, SECOND))]);
        } finally {
          await again.stop();
        }
      },
      { slowTasksMs: 700 },
    ));

  test("is not used when something is wrong with it, and nothing is harmed", () =>
    withRuntime(SHARDS, async (runtime, admin, sender) => {
      await send(sender, FIRST);
      await batch(admin);
      const id = await backup(admin);
      const refused = async (who, body, status, code, about) => isProblem(await step(who, id, body), status, code, about);
      const { json: contents } = await admin.get(`/v1/backups/${id}`);
      const linker = contents.contents.findIndex(({ kind, name }) => kind === "linker" && name === "globex/0");

      // Where there is something.
      for (const [part, { kind, rows }] of contents.contents.entries()) {
        if (["linker", "report", "ledger", "catalog"].includes(kind) && rows > 5) await refused(admin, { step: "begin", part }, 409, "not_empty");
      }
      await counts(admin, FIRST);
      for (const [path, status, code] of [["nobody", 404, "backup_not_found"], ["a%2Fb", 404, "backup_not_found"]]) {
        isProblem(await admin.post(`/v1/backups/${path}/restore`, { step: "check" }), status, code);
      }
      await refused(admin, { step: "begin", part: 10_000 }, 422, "unknown_part");
      isProblem(await admin.post(`/v1/backups/${id}/restore`, { step: "burn" }), 422, "invalid_body");

      const bucket = await surviving(runtime);
      const lost = await runtime.leave();
      const other = await fresh({ ...lost, salt: "another" }, bucket);
      try {
        await refused(people(other).admin, { step: "check" }, 409, "other_salt");
      } finally {
        await other.stop();
      }
      const again = await fresh(lost, bucket);
      try {
        const { admin, sender } = people(again);
        const store = await again.bucket("STORE");
        const put = (key, change) => store.put(key, change(bucket.get(key).slice()));
        const flip = (bytes) => ((bytes[bytes.length >> 1] ^= 1), bytes);

        const file = [...bucket.keys()].find((key) => key.startsWith("raw/"));
        await store.delete(file);
        await refused(admin, { step: "check" }, 409, "archive_incomplete", new RegExp(file.split("/").at(-1)));
        await put(file, (bytes) => bytes.slice(1));
        await refused(admin, { step: "check" }, 409, "archive_incomplete");
        // A merge keeps such a file for the backups that need it.
        await store.delete(file);
        await store.put(`backups/kept/${file}`, bucket.get(file));
        assert.equal((await step(admin, id, { step: "check" })).status, 200);
        assert.deepEqual(new Uint8Array(await (await store.get(file)).arrayBuffer()), bucket.get(file));

        const manifest = `backups/manifests/${id}.json`;
        await put(manifest, flip);
        await refused(admin, { step: "check" }, 409, "backup_damaged");
        await store.delete(manifest);
        await refused(admin, { step: "check" }, 409, "backup_incomplete");
        await put(manifest, (bytes) => bytes);

        // Pages are looked at before they are used, and in their order.
        await refused(admin, { step: "load", part: linker }, 409, "not_restoring");
        assert.equal((await step(admin, id, { step: "begin", part: linker })).status, 200);
        isProblem(await sent(sender, FIRST.filter(({ advertiser }) => advertiser === "globex").slice(0, 1)), 503, "storage_unavailable");
        await refused(admin, { step: "end", part: linker }, 409, "pages_missing");
        const pages = [...bucket.keys()].filter((key) => key.startsWith(`backups/data/${id}/${String(linker).padStart(6, "0")}/`));
        await put(pages[0], flip);
        await refused(admin, { step: "load", part: linker }, 409, "backup_damaged", new RegExp(pages[0]));
        await put(pages[0], (bytes) => bytes);
        await restore(admin, id);
        // Done again, it does nothing.
        await restore(admin, id);
        await goesOn(admin, sender, FIRST);

        // Whoever is erased is in what merges have kept, too.
        const prefix = "raw/advertiser=globex/";
        for (const [key, bytes] of bucket) if (key.startsWith(prefix)) await store.put(`backups/kept/${key}`, bytes);
        const { user } = FIRST.find((event) => event.advertiser === "globex" && event.user);
        assert.equal((await admin.post("/v1/erasures", { user })).status, 202);
        await batch(admin);
        assert.deepEqual((await store.list({ prefix: `backups/kept/${prefix}` })).objects.map(({ key }) => key), []);
        await refused(admin, { step: "check" }, 409, "archive_incomplete");
      } finally {
        await again.stop();
      }
    }));

  test("does not run beside a batch, and old ones go", () =>
    withRuntime(SHARDS, async (_runtime, admin, sender) => {
      await send(sender, FIRST.slice(0, 400));
      const both = [await start(admin, { job: "batch" }), await start(admin, undefined, "/v1/backups")];
      both.push(await start(admin, { job: "batch" }));
      const runs = await Promise.all(both.map((name) => ended(admin, name)));
      const spans = runs.map(({ state, tasks }) => {
        assert.equal(state, "succeeded");
        const times = (name) => tasks.map((task) => Date.parse(task[name])).filter((at) => !Number.isNaN(at));
        return [Math.min(...times("started")), Math.max(...times("ended"))];
      });
      spans.sort(([a], [b]) => a - b);
      for (const [at, [begins]] of spans.slice(1).entries()) assert.ok(begins >= spans[at][1], JSON.stringify(spans));
      const first = await complete(admin);
      for (let times = 0; times < 7; times++) await backup(admin);
      const { json } = await admin.get("/v1/backups");
      assert.equal(json.backups.length, 7);
      assert.ok(!json.backups.some(({ id }) => id === first));
    }));
});
