// A user is erased everywhere; the figures stay, and real time and batch stay one report.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { eventually } from "./api.mjs";
import { crowd, recount } from "./crowd.mjs";
import { CATCH_UP_MS, batch, counted as countedBy, onlyOnDemand, send, startBatch, succeeded, withRuntime as withShards } from "./nightly.mjs";

const DAY_MS = 86_400_000;
const ADVERTISERS = ["solo", "sharded"];

const withRuntime = (use, vars = {}) => withShards(2, use, { vars });
const counted = (admin, query) => countedBy(admin, ADVERTISERS, "campaign", query);

/** How many entries the archive has. */
async function archived(admin) {
  let entries = 0;
  for (const advertiser of ADVERTISERS) {
    const answer = await admin.get("/v1/archive", { advertiser });
    assert.equal(answer.status, 200, answer.text);
    entries += answer.json.files.reduce((sum, file) => sum + file.entries, 0);
  }
  return entries;
}

async function erase(admin, user) {
  const answer = await admin.post("/v1/erasures", { user });
  assert.equal(answer.status, 202, answer.text);
  assert.equal(answer.json.status, "pending");
  return answer.json.id;
}

/** Whose events there are most of. */
function busiest(events, count) {
  const sums = new Map();
  for (const { user } of events) if (user) sums.set(user, (sums.get(user) ?? 0) + 1);
  return [...sums].sort((a, b) => b[1] - a[1]).slice(0, count).map(([user]) => user);
}

async function nothingLeft(admin, events, users) {
  for (const advertiser of ADVERTISERS) {
    for (const user of users) {
      const { status, json } = await admin.get("/v1/events", { advertiser, user });
      assert.deepEqual([status, json.events], [200, []], `${user} of ${advertiser}`);
    }
  }
  for (const { advertiser, kind, id } of events.filter((event) => users.includes(event.user)).slice(0, 40)) {
    const { status } = await admin.get(`/v1/events/${id}`, { advertiser, kind });
    assert.equal(status, 404, `${kind} ${id}`);
  }
}

describe("expiry", () => {
  test("what is older than it may be goes, the figures stay", async () => {
    const before = crowd(3_000, ADVERTISERS, 23, 3);
    // Of the same days, but of others: what arrives so much later is linked to nothing that was there.
    const named = (event, field) => (event[field] === undefined ? {} : { [field]: `later-${event[field]}` });
    const others = (event) => ({ ...event, ...Object.assign({}, ...["id", "user", "impression", "click"].map((field) => named(event, field))) });
    const after = crowd(1_000, ADVERTISERS, 24, 3).map(others);
    const events = [...before, ...after];
    const days = [...new Set(events.map((event) => new Date(event.at).toISOString().slice(0, 10)))];
    await withRuntime(async (runtime, admin, sender) => {
      await onlyOnDemand(admin);
      await send(sender, before);
      await batch(admin);
      assert.equal(await archived(admin), before.length);

      // Half of the time that they may stay: nothing goes.
      runtime.aheadMs = 50 * DAY_MS;
      await runtime.restart();
      await send(sender, after);
      await eventually(async () => assert.deepEqual(await counted(admin), recount(events)), CATCH_UP_MS);
      await batch(admin);
      assert.equal(await archived(admin), events.length);

      runtime.aheadMs = 101 * DAY_MS;
      await runtime.restart();
      await batch(admin);
      assert.equal(await archived(admin), after.length, "those that are 101 days old are gone");
      const expected = recount(events);
      for (const source of ["merged", "batch"]) assert.deepEqual(await counted(admin, { source }), expected, source);
      await batch(admin, days);
      for (const source of ["merged", "batch"]) assert.deepEqual(await counted(admin, { source }), expected, `${source}, linked again`);

      // An event of such a day that arrives now stands beside what stays of the others.
      const late = { ...before.find((event) => event.kind === "impression"), id: "late", user: "somebody" };
      await send(sender, [late]);
      const all = recount([...events, late]);
      await eventually(async () => assert.deepEqual(await counted(admin), all), CATCH_UP_MS);
      await batch(admin);
      for (const source of ["merged", "batch"]) assert.deepEqual(await counted(admin, { source }), all, `${source}, with a late event`);

      runtime.aheadMs = 160 * DAY_MS;
      await runtime.restart();
      await batch(admin);
      assert.equal(await archived(admin), 1, "all but the late one are gone");
      for (const source of ["merged", "batch"]) assert.deepEqual(await counted(admin, { source }), all, `${source}, at last`);
    }, { RAW_DAYS: "100" });
  });
});

describe("erasure", () => {
  test("users are erased everywhere, the figures stay", async () => {
    const events = crowd(8_000, ADVERTISERS, 21, 4);
    const [before, after, late] = [events.slice(0, 5_000), events.slice(5_000, 7_000), events.slice(7_000)];
    const users = busiest(before, 3);
    await withRuntime(async (runtime, admin, sender) => {
      await send(sender, before);
      await batch(admin);
      // Some of what goes is published, some is in real time only.
      await send(sender, after);
      await send(sender, after.slice(0, 300));
      const sent = [...before, ...after];
      await eventually(async () => assert.deepEqual(await counted(admin), recount(sent)), CATCH_UP_MS);
      const gone = sent.filter((event) => users.includes(event.user));
      const repeats = after.slice(0, 300).filter((event) => users.includes(event.user));
      assert.ok(gone.length > 30, `${gone.length} events`);

      // What is not accepted is kept as well, without a name.
      const rejected = { ...events.find((event) => event.kind === "impression"), id: "wrong", kind: "wink", user: users[0] };
      const stays = { ...rejected, id: "wrong-too", user: "somebody" };
      for (const event of [rejected, stays]) await sender.post("/v1/events", [event]);
      const kept = async () => (await admin.get("/v1/rejected", { advertiser: rejected.advertiser })).json.rejected.map(({ event }) => event.id).sort();
      await eventually(async () => assert.deepEqual(await kept(), ["wrong", "wrong-too"]), CATCH_UP_MS);

      const ids = [];
      for (const user of users) ids.push(await erase(admin, user));
      const { run } = await batch(admin);
      for (const id of ids) {
        const { json } = await admin.get(`/v1/erasures/${id}`);
        assert.deepEqual([json.status, json.run], ["done", run]);
      }
      assert.equal(await archived(admin), sent.length + 300 - gone.length - repeats.length);
      await nothingLeft(admin, sent, users);
      assert.deepEqual(await kept(), ["wrong-too"]);
      for (const source of ["merged", "batch"]) assert.deepEqual(await counted(admin, { source }), recount(sent), source);

      await runtime.restart();
      await nothingLeft(admin, sent, users);
      assert.deepEqual(await counted(admin), recount(sent), "after a restart");

      // Every day is linked again from what is left.
      const days = [...new Set(events.map((event) => new Date(event.at).toISOString().slice(0, 10)))];
      await batch(admin, days);
      for (const source of ["merged", "batch"]) assert.deepEqual(await counted(admin, { source }), recount(sent), `${source}, linked again`);

      // What others do is linked as ever, and who comes back is somebody new.
      const others = late.filter((event) => !users.includes(event.user));
      const back = { ...before.find((event) => event.kind === "impression"), id: "back", user: users[0], at: Date.UTC(2026, 2, 9) };
      await send(sender, [...others, back]);
      const all = [...sent, ...others, back];
      await eventually(async () => assert.deepEqual(await counted(admin), recount(all)), CATCH_UP_MS);
      const list = await admin.get("/v1/events", { advertiser: back.advertiser, user: users[0] });
      assert.deepEqual(list.json.events.map(({ event }) => event.id), ["back"]);
      await batch(admin, days);
      for (const source of ["merged", "batch"]) assert.deepEqual(await counted(admin, { source }), recount(all), `${source}, at last`);
    });
  });

  test("an erasure that is killed again and again ends right", async (t) => {
    const events = crowd(6_000, ADVERTISERS, 22, 3);
    const users = busiest(events, 2);
    await withRuntime(async (runtime, admin, sender) => {
      await send(sender, events);
      await batch(admin);
      const id = await erase(admin, users[0]);
      await erase(admin, users[1]);
      const run = await startBatch(admin);
      let kills = 0;
      for (; kills < 6; kills++) {
        await sleep(300 + Math.random() * 900);
        if (["succeeded", "failed"].includes((await admin.get(`/v1/jobs/${run}`)).json.state)) break;
        await runtime.restart();
      }
      t.diagnostic(`${kills} kills`);
      await succeeded(admin, run);
      assert.equal((await admin.get(`/v1/erasures/${id}`)).json.status, "done");
      await nothingLeft(admin, events, users);
      const days = [...new Set(events.map((event) => new Date(event.at).toISOString().slice(0, 10)))];
      await batch(admin, days);
      for (const source of ["merged", "batch"]) assert.deepEqual(await counted(admin, { source }), recount(events), source);
    });
  });

  test("is the business of the platform's admins, and says what is wrong", async () => {
    await withRuntime(async (runtime, admin) => {
      const { json } = await admin.post("/v1/tokens", { name: "a", role: "analyst", scope: "platform" });
      const own = await admin.post("/v1/tokens", { name: "b", role: "admin", scope: "advertiser:solo" });
      for (const token of [json.token, own.json.token]) {
        const other = admin.as(token);
        assert.equal((await other.get("/v1/erasures")).status, 403);
        assert.equal((await other.post("/v1/erasures", { user: "u" })).status, 403);
      }
      assert.equal((await admin.post("/v1/erasures", { user: "" })).status, 422);
      assert.equal((await admin.post("/v1/erasures", { user: "x".repeat(129) })).status, 422);
      assert.equal((await admin.post("/v1/erasures", { who: "u" })).status, 422);
      assert.equal((await admin.get("/v1/erasures/nobody")).status, 404);
      const id = await erase(admin, "u");
      // There is nobody to erase yet: it is done all the same.
      await batch(admin);
      const { json: list } = await admin.get("/v1/erasures");
      assert.deepEqual(list.erasures.map(({ id, status }) => [id, status]), [[id, "done"]]);
    });
  });
});
