// Billing: what is charged is what the facts cost, each event once (BILL-1), through late events, kills and repairs.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { Api, eventually, isProblem, ndjson } from "./api.mjs";
import { newRuntime } from "./nightly.mjs";
import { useServer } from "./server.mjs";

/** The queue hands over within a second; the rest is for a busy machine. */
const SOON_MS = 15_000;
/** A Linker that was killed sends what is not confirmed when its alarm rings, 30 s later at the latest. */
const AFTER_KILL_MS = 90_000;
/** A message is tried for 31 s before it is a dead letter. */
const UNTIL_DEAD_MS = 120_000;

const server = useServer();

const MINUTE = 60_000;
const START = Date.UTC(2026, 2, 1, 10);
const RANGE = { from: "2026-03-01", to: "2026-03-04" };

const event = (kind, id, at, fields) => ({ id, kind, at: START + at, user: "kim", ad: "banner", service: "news", ...fields });

/** An advertiser that pays in euros, with a campaign of each price model. */
async function advertiser(key, fields = {}) {
  const { admin } = server;
  const put = async (path, body) => {
    const answer = await admin.put(path, body);
    assert.ok([200, 201].includes(answer.status), answer.text);
  };
  await put(`/v1/advertisers/${key}`, { currency: "EUR", timezone: "UTC", ...fields });
  // A thousandth of 4,321,999 is rounded down.
  const prices = { cpm: 4_321_999, cpc: 250_000, cpa: 3_000_000 };
  for (const [model, price_micros] of Object.entries(prices)) {
    await put(`/v1/campaigns/${model}`, { advertiser: key, price_model: model, price_micros });
  }
}

const billing = async (params, api = server.admin) => {
  const answer = await api.get("/v1/billing", { ...RANGE, ...params });
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
};

/** Every entry of an advertiser, page by page. */
async function entries(params) {
  const all = [];
  let cursor;
  for (;;) {
    const answer = await server.admin.get("/v1/billing/entries", { limit: 7, ...params, cursor });
    assert.equal(answer.status, 200, answer.text);
    all.push(...answer.json.entries);
    if (!answer.json.more) return all;
    cursor = answer.json.next;
  }
}

const short = ({ kind, event, amount_micros, basis }) => `${kind} ${event.kind} ${event.id} ${amount_micros} ${basis}`;
const signed = ({ kind, amount_micros }) => (kind === "charge" ? amount_micros : -amount_micros);
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** Waits until the ledger has these entries, in any order. */
const booked = (params, expected, within = SOON_MS) =>
  eventually(async () => assert.deepEqual((await entries(params)).map(short).sort(), expected.toSorted()), within);

/** Nothing is on its way any more. */
const settled = (name, within = SOON_MS) =>
  eventually(async () => {
    const { json } = await server.admin.get("/v1/billing/outbox", { advertiser: name });
    assert.deepEqual(json, { entries: 0, oldest: null, age_ms: null, shards: [] });
  }, within);

/** The ledger's sums by day and campaign are those of its entries and the costs of the reports. */
async function agreesWithReports(name) {
  const ledger = await billing({ advertiser: name });
  const byKey = new Map();
  for (const entry of await entries({ advertiser: name })) {
    const key = `${entry.event.at.slice(0, 10)} ${entry.campaign}`;
    byKey.set(key, (byKey.get(key) ?? 0) + signed(entry));
  }
  const naive = [...byKey].filter(([, net]) => net !== 0).sort();
  const sums = new Map();
  for (const row of ledger.rows) {
    const key = `${row.day.slice(0, 10)} ${row.campaign}`;
    sums.set(key, (sums.get(key) ?? 0) + row.net_micros);
  }
  assert.deepEqual([...sums].filter(([, net]) => net !== 0).sort(), naive);
  const rows = await server.admin.rows({ scope: `advertiser:${name}`, by: "day,campaign", metrics: "cost_micros", ...RANGE });
  const costs = rows.map(({ day, campaign, cost_micros }) => [`${day.slice(0, 10)} ${campaign}`, cost_micros]);
  assert.deepEqual(costs.filter(([, cost]) => cost !== 0).sort(), naive);
  const [total] = ledger.totals;
  assert.equal(total.net_micros, sum(naive.map(([, net]) => net)));
}

describe("what is charged", () => {
  test("by price model, or the event's own cost", async () => {
    const own = { advertiser: "models" };
    await advertiser("models");
    await server.sender.collect([
      event("impression", "i-cpm", 0, { ...own, campaign: "cpm", placement: "top" }),
      event("impression", "i-cpc", MINUTE, { ...own, campaign: "cpc" }),
      event("click", "c-cpc", 2 * MINUTE, { ...own, impression: "i-cpc" }),
      event("click", "c-unlinked", 3 * MINUTE, { ...own, user: "lee", campaign: "cpc" }),
      event("impression", "i-cpa", 4 * MINUTE, { ...own, campaign: "cpa" }),
      event("click", "c-cpa", 5 * MINUTE, { ...own, impression: "i-cpa" }),
      event("conversion", "v-cpa", 6 * MINUTE, { ...own, click: "c-cpa", label: "buy" }),
      event("impression", "i-own", 24 * 60 * MINUTE, { ...own, cost_micros: 777 }),
      event("impression", "i-free", 24 * 60 * MINUTE, { ...own, user: "mia", cost_micros: 0 }),
      event("impression", "i-bot", 7 * MINUTE, { ...own, campaign: "cpm", user: "bot", user_agent: "Googlebot/2.1" }),
    ]);
    await booked({ advertiser: "models" }, [
      "charge impression i-cpm 4321 cpm",
      "charge click c-cpc 250000 cpc",
      "charge conversion v-cpa 3000000 cpa",
      "charge impression i-own 777 own",
    ]);
    const [conversion] = await entries({ advertiser: "models", event: "v-cpa" });
    const { id, charge, source, seq, ...rest } = conversion;
    assert.match(charge, /^[0-9a-f]{32}$/);
    assert.equal(id, `${source}:${seq}.0.${id.split(".").at(-1)}`);
    assert.deepEqual(rest, {
      kind: "charge",
      amount_micros: 3_000_000,
      currency: "EUR",
      basis: "cpa",
      advertiser: "models",
      campaign: "cpa",
      ad: "banner",
      service: "news",
      placement: "",
      event: { kind: "conversion", id: "v-cpa", at: new Date(START + 6 * MINUTE).toISOString().replace(".000", "") },
      impression: "i-cpa",
      click: "c-cpa",
      through: "click",
    });
    await agreesWithReports("models");
    const { rows, totals } = await billing({ advertiser: "models", to: "2026-03-02" });
    assert.deepEqual(rows.map(({ campaign, basis, currency, charges, net_micros }) => [campaign, basis, currency, charges, net_micros]), [
      ["cpa", "cpa", "EUR", 1, 3_000_000],
      ["cpc", "cpc", "EUR", 1, 250_000],
      ["cpm", "cpm", "EUR", 1, 4321],
    ]);
    assert.deepEqual(totals, [{ currency: "EUR", charges: 3, credits: 0, charged_micros: 3_254_321, credited_micros: 0, net_micros: 3_254_321 }]);
    // In Honolulu the first of March begins at ten in the morning of UTC: the event of 10:00 is just in it.
    const honolulu = await billing({ advertiser: "models", tz: "Pacific/Honolulu", to: "2026-03-02" });
    assert.deepEqual(honolulu.rows.map(({ day }) => day), Array(3).fill("2026-03-01T10:00:00Z"));
    await settled("models");
  });

  test("a late neighbour makes a click a repeat: its charge is taken back", async () => {
    const own = { advertiser: "late" };
    await advertiser("late");
    await server.sender.collect([
      event("impression", "i", 0, { ...own, campaign: "cpc" }),
      event("click", "c2", 10_000, { ...own, impression: "i" }),
    ]);
    await booked({ advertiser: "late" }, ["charge click c2 250000 cpc"]);
    await server.sender.collect([event("click", "c1", 9_000, { ...own, impression: "i" })]);
    const all = ["charge click c2 250000 cpc", "credit click c2 250000 cpc", "charge click c1 250000 cpc"];
    await booked({ advertiser: "late" }, all);
    const [charge, credit] = (await entries({ advertiser: "late", event: "c2" })).toSorted((a, b) => signed(b) - signed(a));
    assert.equal(credit.charge, charge.charge);
    assert.notEqual(credit.id, charge.id);
    await booked({ advertiser: "late", kind: "credit" }, [all[1]]);
    const { totals } = await billing({ advertiser: "late" });
    assert.deepEqual(totals, [{ currency: "EUR", charges: 2, credits: 1, charged_micros: 500_000, credited_micros: 250_000, net_micros: 250_000 }]);
    await agreesWithReports("late");
  });

  test("another parent is another charge, although it costs the same", async () => {
    const own = { advertiser: "parents" };
    await advertiser("parents");
    await server.sender.collect([
      event("impression", "far", 0, { ...own, campaign: "cpc" }),
      event("click", "c", 10 * MINUTE, own),
    ]);
    await booked({ advertiser: "parents" }, ["charge click c 250000 cpc"]);
    await server.sender.collect([event("impression", "near", 5 * MINUTE, { ...own, campaign: "cpc" })]);
    await eventually(async () => {
      const parents = (await entries({ advertiser: "parents" })).map(({ kind, impression }) => [kind, impression]);
      assert.deepEqual(parents, [["charge", "far"], ["credit", "far"], ["charge", "near"]]);
    }, SOON_MS);
    await agreesWithReports("parents");
  });

  test("the story of an event tells its entries, and whether the ledger has them", async () => {
    const story = async (id, kind) => (await server.admin.get(`/v1/events/${id}`, { advertiser: "late", kind })).json.billing;
    await settled("late");
    const [charge] = await entries({ advertiser: "late", event: "c2" });
    const { net_micros, state, entries: told } = await story("c2", "click");
    assert.deepEqual([net_micros, state], [0, "sent"]);
    const expected = { charge: charge.charge, amount_micros: 250_000, currency: "EUR", basis: "cpc", state: "sent" };
    assert.deepEqual(told.map(({ position, ...entry }) => entry), [{ kind: "charge", ...expected }, { kind: "credit", ...expected }]);
    assert.deepEqual(await story("i", "impression"), { net_micros: 0, state: null, entries: [] });
    // Asked at once, it is not there yet.
    await server.sender.collect([event("impression", "fresh", 0, { advertiser: "late", user: "zoe", cost_micros: 5 })]);
    const fresh = await story("fresh", "impression");
    assert.deepEqual([fresh.net_micros, fresh.state, fresh.entries[0].state], [5, "pending", "pending"]);
    await eventually(async () => assert.equal((await story("fresh", "impression")).state, "sent"), SOON_MS);
  });

  test("who is not in the catalog is charged without a currency", async () => {
    await server.sender.collect([event("impression", "i", 0, { advertiser: "stranger", cost_micros: 9 })]);
    await booked({ advertiser: "stranger" }, ["charge impression i 9 own"]);
    assert.deepEqual((await billing({ advertiser: "stranger" })).totals.map(({ currency }) => currency), [""]);
  });
});

describe("who may see it", () => {
  const seenBy = async (role, scope) => {
    const created = await server.admin.post("/v1/tokens", { name: scope, role, scope });
    assert.equal(created.status, 201, created.text);
    return server.admin.as(created.json.token);
  };

  test("an advertiser its own, a service nothing, the dead letters only the platform", async () => {
    const own = await seenBy("analyst", "advertiser:models");
    const { advertiser } = await billing({}, own);
    assert.equal(advertiser, "models");
    for (const path of ["/v1/billing", "/v1/billing/entries", "/v1/billing/outbox"]) {
      assert.equal((await own.get(path)).status, 200, path);
      for (const foreign of ["late", "nobody"]) isProblem(await own.get(path, { advertiser: foreign }), 403, "foreign_scope");
      isProblem(await server.admin.get(path), 422, "missing_advertiser");
      isProblem(await server.sender.get(path, { advertiser: "models" }), 403, "role_forbidden");
      isProblem(await server.admin.as(undefined).get(path), 401, "unauthorized");
      const service = await seenBy("admin", "service:news");
      for (const params of [{}, { advertiser: "models" }, { advertiser: "nobody" }]) isProblem(await service.get(path, params), 403, "foreign_scope");
    }
    for (const api of [own, await seenBy("admin", "advertiser:models"), await seenBy("admin", "service:news")]) {
      isProblem(await api.get("/v1/billing/dead"), 403, "foreign_scope");
    }
    isProblem(await own.post("/v1/billing/dead/replay", {}), 403, "role_forbidden");
    isProblem(await (await seenBy("admin", "advertiser:models")).post("/v1/billing/dead/replay", {}), 403, "foreign_scope");
    isProblem(await (await seenBy("analyst", "platform")).post("/v1/billing/dead/replay", {}), 403, "role_forbidden");
  });

  test("what is asked wrongly is refused", async () => {
    const ask = (path, params) => server.admin.get(path, { advertiser: "models", ...params });
    isProblem(await ask("/v1/billing", { by: "day" }), 422, "unknown_parameter", /by/);
    isProblem(await ask("/v1/billing", { tz: "Mars/Olympus" }), 422, "unknown_tz", /Mars/);
    isProblem(await ask("/v1/billing", { from: "2026-03-02", to: "2026-03-01" }), 422, "bad_range");
    isProblem(await ask("/v1/billing/entries", { kind: "debit" }), 422, "unknown_kind", /debit/);
    isProblem(await ask("/v1/billing/entries", { cursor: "x" }), 422, "bad_cursor", /x/);
    isProblem(await ask("/v1/billing/entries", { limit: 0 }), 422, "bad_limit", /0/);
    isProblem(await server.admin.post("/v1/billing/dead/replay", { id: "x" }), 422, "invalid_body");
  });
});

test("what a queue loses is sent again: only the ledger's word empties the outbox", async () => {
  await server.sender.collect([event("impression", "lost", 0, { advertiser: "lossy", cost_micros: 7 })]);
  const outbox = async () => (await server.admin.get("/v1/billing/outbox", { advertiser: "lossy" })).json;
  // Handed to the queue, which waits a second for more, and has nothing but its memory here.
  await eventually(async () => assert.equal((await outbox()).entries, 1));
  await sleep(100);
  await server.restart();
  const { entries: open, shards } = await outbox();
  assert.deepEqual([open, shards.map(({ entries }) => entries)], [1, [1]], "the kill came too late to test anything");
  await booked({ advertiser: "lossy" }, ["charge impression lost 7 own"], AFTER_KILL_MS);
  await settled("lossy", AFTER_KILL_MS);
});

test("what is charged at once is not too long for a message, and read page by page", async () => {
  const own = { advertiser: "bulk" };
  const events = Array.from({ length: 5_000 }, (_, i) => event("impression", `bulk-${i}`, i, { ...own, campaign: "spring", service: "news", user: `u${i}`, cost_micros: 1 + i }));
  await server.sender.collect(events);
  const cost = sum(events.map(({ cost_micros }) => cost_micros));
  await eventually(async () => assert.equal((await billing(own)).totals[0]?.net_micros, cost), AFTER_KILL_MS);
  await settled("bulk", AFTER_KILL_MS);
  const all = await entries({ advertiser: "bulk", limit: 1_900 });
  assert.equal(new Set(all.map(({ event }) => event.id)).size, events.length);
  assert.equal(new Set(all.map(({ id }) => id)).size, events.length);
  assert.equal(sum(all.map(signed)), cost);
});

test("BILL-1: a killed runtime loses no entry and counts none twice", async () => {
  const [senders, batches, size, kills] = [3, 12, 20, 4];
  await advertiser("many", { shards: 2 });
  let cost = 0;
  let done = 0;
  const send = async (name) => {
    for (let batch = 0; batch < batches; batch++, done++) {
      const events = Array.from({ length: size }, (_, i) =>
        event("impression", `${name}.${batch}.${i}`, batch * MINUTE, { advertiser: "many", user: `${name}${i}`, campaign: "spring", cost_micros: 1 + 1000 * batch + i }),
      );
      await untilAcknowledged(events);
      cost += sum(events.map(({ cost_micros }) => cost_micros));
      await sleep(150);
    }
  };
  const killOften = async () => {
    for (let kill = 1; kill <= kills; kill++) {
      await eventually(() => assert.ok(done >= (kill * senders * batches) / (kills + 1)), AFTER_KILL_MS);
      // Around a flush, a hand-over and a delivery.
      await sleep(Math.random() * 1_500);
      await server.restart();
    }
  };
  await Promise.all([killOften(), ...Array.from({ length: senders }, (_, i) => send(`s${i}`))]);
  const events = senders * batches * size;
  await eventually(async () => {
    const [{ charges, net_micros }] = (await billing({ advertiser: "many" })).totals;
    assert.deepEqual({ charges, net_micros }, { charges: events, net_micros: cost });
  }, AFTER_KILL_MS);
  await settled("many", AFTER_KILL_MS);
  const all = await entries({ advertiser: "many", limit: 500 });
  assert.equal(new Set(all.map(({ id }) => id)).size, events);
  assert.equal(new Set(all.map(({ charge }) => charge)).size, events);
  assert.equal(sum(all.map(signed)), cost);
  await agreesWithReports("many");
});

// At once, as they mostly wait for the queue.
describe("dead letters", { concurrency: true }, () => {
  test("what a ledger cannot take becomes a dead letter, and is charged once it is repaired and replayed", async () => {
    const own = { advertiser: "broken" };
    await advertiser("broken");
    await server.sender.collect([event("impression", "i1", 0, { ...own, cost_micros: 11 })]);
    await booked({ advertiser: "broken" }, ["charge impression i1 11 own"]);
    await settled("broken");
    const surgery = async (statement) => {
      await server.stop();
      alterLedger("broken", statement);
      await server.start();
    };
    await surgery("ALTER TABLE sums RENAME TO mislaid");
    await server.sender.collect([event("impression", "i2", MINUTE, { ...own, cost_micros: 23 })]);
    const dead = async () => (await server.admin.get("/v1/billing/dead")).json;
    await eventually(async () => {
      const { count, dead: letters, next } = await dead();
      assert.deepEqual([count, next], [1, null]);
      const [{ advertiser, entries, error, message }] = letters;
      assert.deepEqual([advertiser, entries], ["broken", 1]);
      assert.match(error, /\/take/);
      assert.match(message, /"id":"i2"/);
    }, UNTIL_DEAD_MS);
    // The Linker has handed it over: it is on nobody's way any more.
    await settled("broken", AFTER_KILL_MS);
    const tooEarly = await server.admin.post("/v1/billing/dead/replay");
    assert.deepEqual([tooEarly.status, tooEarly.json.replayed, tooEarly.json.failed.length, tooEarly.json.left], [200, 0, 1, 1], tooEarly.text);
    await surgery("ALTER TABLE mislaid RENAME TO sums");
    const [{ id, times }] = (await dead()).dead;
    assert.equal(times, 2);
    const none = await server.admin.post("/v1/billing/dead/replay", { ids: ["other"] });
    assert.deepEqual(none.json, { replayed: 0, failed: [], left: 1 });
    const replayed = await server.admin.post("/v1/billing/dead/replay", { ids: [id] });
    assert.deepEqual(replayed.json, { replayed: 1, failed: [], left: 0 }, replayed.text);
    await booked({ advertiser: "broken" }, ["charge impression i1 11 own", "charge impression i2 23 own"]);
    assert.deepEqual((await dead()).dead, []);
    await agreesWithReports("broken");
  });

  test("a message that nobody can read is a dead letter, too, and harms no other", async (t) => {
    const runtime = await newRuntime();
    t.after(() => runtime.stop());
    await runtime.start();
    const admin = new Api(runtime.url, runtime.adminToken);
    const entry = { kind: "charge", amount_micros: 5, basis: "own", event: "impression", id: "i", at_ms: START };
    const message = (seq, fields) => JSON.stringify({ version: 1, advertiser: "acme", source: "acme/0", seq, part: 0, entries: [entry], ...fields });
    const text = { contentType: "text" };
    await runtime.enqueue("BILLING", "not a message", text);
    await runtime.enqueue("BILLING", { not: "text" }, { contentType: "json" });
    await runtime.enqueue("BILLING", message(8, { version: 99 }), text);
    await runtime.enqueue("BILLING", message(9, { entries: [{ ...entry, amount_micros: -1 }] }), text);
    // The same batch twice, beside them.
    for (let n = 0; n < 2; n++) await runtime.enqueue("BILLING", message(7), text);
    const net = async () => (await admin.get("/v1/billing", { ...RANGE, advertiser: "acme" })).json.totals.map(({ net_micros }) => net_micros);
    await eventually(async () => assert.deepEqual(await net(), [5]), SOON_MS);
    const dead = async () => (await admin.get("/v1/billing/dead")).json.dead;
    await eventually(async () => assert.equal((await dead()).length, 4), UNTIL_DEAD_MS);
    const errors = new Map((await dead()).map(({ id, error }) => [id.replace(/^unreadable:.*/, "unreadable"), error]));
    assert.match(errors.get("acme/0:8.0"), /version 99/);
    assert.match(errors.get("acme/0:9.0"), /invalid amount/);
    assert.match(errors.get("unreadable"), /not a message/);
    const answer = await admin.post("/v1/billing/dead/replay");
    assert.deepEqual([answer.json.replayed, answer.json.failed.length, answer.json.left], [0, 4, 4], answer.text);
    assert.deepEqual(await net(), [5]);
  });
});

/** Changes the database of an advertiser's ledger behind its back; the server must be down. */
function alterLedger(name, statement) {
  const folder = join(server.state, "v3", "do", "adtally-Ledger");
  for (const file of readdirSync(folder).filter((file) => file.endsWith(".sqlite") && !file.startsWith("metadata"))) {
    const database = new DatabaseSync(join(folder, file));
    try {
      const isHis = database.prepare("SELECT count(*) AS n FROM batches WHERE source LIKE ?").get(`${name}/%`).n > 0;
      if (isHis) return database.exec(statement);
    } finally {
      database.close();
    }
  }
  throw new Error(`no ledger of ${name} in ${folder}`);
}

/** Sends until it is acknowledged. */
async function untilAcknowledged(events) {
  const end = Date.now() + AFTER_KILL_MS;
  while (Date.now() < end) {
    const answer = await server.sender
      .post("/v1/events", ndjson(events), { "content-type": "application/x-ndjson" })
      .catch(() => ({ status: "no answer" }));
    if (answer.status === 202) return assert.deepEqual(answer.json.rejected, []);
    assert.ok(["no answer", 429, 500, 502, 503].includes(answer.status), `${answer.status} ${answer.text}`);
    await sleep(50);
  }
  throw new Error("no acknowledgement any more");
}
