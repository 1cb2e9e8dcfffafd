// KAFKA-1: billing in a topic of Kafka is what the ledger has, each entry once and in its order, through kills of the
// runtime, lost connections and whatever brokers answer.
//
// `ADTALLY_KAFKA=full` is the large one: 50,000 entries, 20 kills, 5 cuts.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { Api, eventually, isProblem, ndjson } from "./api.mjs";
import { client } from "./clients.mjs";
import { Authority, Front, startCluster, startConsumer } from "./kafka.mjs";
import { newRuntime } from "./nightly.mjs";

const kafka = client("kafka");
const skip = kafka.missing;
const TOPIC = "adtally-billing";
const SOON_MS = 30_000;
const START = Date.UTC(2026, 2, 1, 10);

const folder = mkdtempSync(join(tmpdir(), "adtally-kafka-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const [authority, stranger] = ["authority", "stranger"].map((name) => new Authority(folder, name));
// Read when the runtime is loaded: what it trusts beside the authorities of this machine.
process.env.NODE_EXTRA_CA_CERTS = authority.certificate;
const { entries: ENTRIES, kills: KILLS, cuts: CUTS } =
  process.env.ADTALLY_KAFKA === "full" ? { entries: 50_000, kills: 20, cuts: 5 } : { entries: 3_000, kills: 3, cuts: 2 };

/** A runtime whose billing goes to a cluster through its front. */
async function setUp(t, { sasl, secure, host, vars = {} } = {}) {
  const cluster = await startCluster(kafka.python, { topic: TOPIC });
  t.after(() => cluster.stop());
  const front = await new Front({ sasl, secure, host }).start(cluster.brokers);
  return { cluster, ...(await setUpBehind(t, front, cluster.brokers, vars)) };
}

async function setUpBehind(t, front, brokers, vars = {}) {
  t.after(() => front.stop());
  const consumer = startConsumer(kafka.python, brokers, TOPIC);
  t.after(() => consumer.stop());
  const settings = { KAFKA_BROKERS: front.addresses.join(","), KAFKA_TOPIC: TOPIC, KAFKA_SECURITY: "plaintext", ...vars };
  const runtime = await newRuntime({ vars: settings });
  t.after(() => runtime.stop());
  await runtime.start();
  const admin = new Api(runtime.url, runtime.adminToken);
  return { front, consumer, runtime, admin, sender: admin.as(runtime.writeKey) };
}

const impressions = (advertiser, name, count) =>
  Array.from({ length: count }, (_, i) => ({ kind: "impression", id: `${name}.${i}`, at: START, advertiser, ad: "a", user: `${name}${i % 97}`, cost_micros: i + 1 }));

/** Sends until it is acknowledged. */
async function send(sender, events) {
  for (let attempt = 0; ; attempt++) {
    const answer = await sender.post("/v1/events", ndjson(events), { "content-type": "application/x-ndjson" }).catch((error) => ({ status: 0, text: String(error) }));
    if (answer.status === 202) return assert.deepEqual(answer.json.rejected, []);
    assert.ok(attempt < 300, `${answer.status} ${answer.text}`);
    await sleep(100);
  }
}

async function state(admin, advertiser) {
  const answer = await admin.get("/v1/billing/kafka", { advertiser });
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

/** Every entry of a ledger, in its order. */
async function entries(admin, advertiser) {
  const all = [];
  let cursor;
  for (;;) {
    const { json } = await admin.get("/v1/billing/entries", { advertiser, limit: 5_000, cursor });
    all.push(...json.entries);
    if (!json.more) return all;
    cursor = json.next;
  }
}

/** The topic has the ledger's entries, each once and in order, and nothing else of this advertiser. */
async function isDelivered({ admin, consumer }, advertiser, count, within = SOON_MS) {
  const mine = () => consumer.records.filter(({ value }) => value?.advertiser === advertiser);
  await eventually(async () => {
    const { sent, state: now, trouble } = await state(admin, advertiser);
    assert.deepEqual([sent, now, mine().length], [count, "idle", count], JSON.stringify(trouble));
  }, within);
  const records = mine();
  assert.equal(new Set(records.map(({ headers }) => headers.id)).size, count);
  assert.equal(new Set(records.map(({ partition }) => partition)).size, 1);
  assert.deepEqual(records.map(({ value }) => value), await entries(admin, advertiser));
  for (const { key, headers, value } of records) assert.deepEqual([key, headers], [value.charge, { id: value.id }]);
}

/** Numbers of each producer follow each other. */
function areInSequence({ front }) {
  const next = new Map();
  for (const { producer, partition, base, count } of front.batches) {
    const key = `${producer} ${partition}`;
    assert.equal(base, next.get(key) ?? 0, key);
    next.set(key, base + count);
  }
}

describe(`KAFKA-1: ${ENTRIES} entries through ${KILLS} kills and ${CUTS} cuts are in the topic once`, { timeout: 1_800_000 }, () => {
  test("behind a front that keeps sequence numbers", { skip }, async (t) => disturbed(t, await setUp(t)));
});

async function disturbed(t, all) {
  const { front, runtime, admin, sender } = all;
  const batch = Math.ceil(ENTRIES / (10 * (KILLS + CUTS)));
  let accepted = 0;
  const sending = (async () => {
    for (let n = 0; accepted < ENTRIES; n++) {
      const count = Math.min(batch, ENTRIES - accepted);
      await send(sender, impressions("acme", `s${n}`, count));
      accepted += count;
      // Answers and requests are lost on the way, too.
      if (n % 7 === 3) front.faults.push("lose_answer");
      if (n % 11 === 5) front.faults.push("lose_request");
      await sleep(50);
    }
  })();
  const disturbances = [...Array(KILLS).fill("kill"), ...Array(CUTS).fill("cut")];
  for (let n = 0; n < disturbances.length; n++) {
    const what = disturbances[(n * 7) % disturbances.length];
    await eventually(() => assert.ok(accepted >= (n * ENTRIES) / (disturbances.length + 1)), 600_000);
    await sleep(Math.random() * 700);
    if (what === "kill") {
      // In the middle of a delivery where there is one.
      front.faults.unshift("lose_answer");
      await runtime.restart();
    } else {
      await eventually(() => assert.ok(front.cut() > 0), SOON_MS).catch(() => t.diagnostic("no connection to cut"));
    }
  }
  await sending;
  front.faults.length = 0;
  await isDelivered(all, "acme", ENTRIES, 600_000);
  areInSequence(all);
  const { renewed } = await state(admin, "acme");
  t.diagnostic(`${front.batches.length} batches, ${front.repeats} of them came again and were known, ${front.gaps} gaps, ${renewed} new producers`);
  assert.ok(front.repeats > 0, "nothing was sent twice: the test tests nothing");
  assert.deepEqual([front.gaps, renewed], [0, 0]);
}

describe("what brokers answer", { skip }, () => {
  test("is tried again, renewed, or waits for somebody", async (t) => {
    const all = await setUp(t);
    const { front, admin, sender } = all;
    const trouble = async () => (await state(admin, "acme")).trouble;
    await send(sender, impressions("acme", "first", 3));
    await isDelivered(all, "acme", 3);
    // Not the leader, no answer in time, stored although too few replicas said so.
    front.faults.push(6, 7, "lose_answer", 5);
    await send(sender, impressions("acme", "second", 4));
    await isDelivered(all, "acme", 7);
    assert.equal(front.repeats, 1);
    // Forgotten before the next batch was ever sent: nothing can be double, so a new producer takes over.
    front.forget();
    await send(sender, impressions("acme", "third", 5));
    await isDelivered(all, "acme", 12);
    assert.equal((await state(admin, "acme")).renewed, 1);
    // A gap.
    front.faults.push(45);
    await send(sender, impressions("acme", "fourth", 1));
    await isDelivered(all, "acme", 13);
    assert.equal((await state(admin, "acme")).renewed, 2);
    // Too large: in smaller batches.
    front.faults.push(10);
    await send(sender, impressions("acme", "fifth", 8));
    await isDelivered(all, "acme", 21);
    assert.deepEqual(front.batches.slice(-2).map(({ count }) => count), [4, 4]);
    areInSequence(all);
    // Not allowed: it stops, and says so.
    front.faults.push(29);
    await send(sender, impressions("acme", "sixth", 2));
    await eventually(async () => assert.equal((await state(admin, "acme")).state, "stopped"), SOON_MS);
    assert.deepEqual([(await trouble()).code, (await trouble()).again], ["topic_authorization_failed", null]);
    assert.equal((await admin.post("/v1/billing/kafka/resume?advertiser=acme")).status, 200);
    await isDelivered(all, "acme", 23);
    // Forgotten while nobody knew what became of a batch: only a person can tell.
    front.faults.push("lose_answer", 59);
    await send(sender, impressions("acme", "seventh", 6));
    await eventually(async () => assert.equal((await trouble())?.code, "outcome_unknown"), SOON_MS);
    const resume = (body) => admin.post("/v1/billing/kafka/resume?advertiser=acme", body);
    isProblem(await resume(), 422, "missing_unknown");
    isProblem(await resume({ unknown: "maybe" }), 422, "invalid_unknown");
    const metrics = async () => (await admin.get("/metrics")).text;
    await eventually(async () => {
      assert.match(await metrics(), /^adtally_kafka_stopped 1$/m);
      assert.match(await metrics(), /^adtally_kafka_errors_total\{code="unknown_producer_id"\} [1-9]/m);
    }, SOON_MS);
    const { degraded } = (await admin.get("/healthz")).json;
    assert.ok(degraded.some(({ part }) => part === "AdtallyKafkaStopped"), JSON.stringify(degraded));
    assert.equal((await resume({ unknown: "skip" })).status, 200);
    await isDelivered(all, "acme", 29);
    isProblem(await admin.get("/v1/billing/kafka"), 422, "missing_advertiser");
  });

  test("a ledger knows its cluster, and another advertiser its own numbers", async (t) => {
    const all = await setUp(t);
    const { admin, sender, cluster } = all;
    await Promise.all(["acme", "globex"].map((advertiser) => send(sender, impressions(advertiser, "x", 5))));
    for (const advertiser of ["acme", "globex"]) await isDelivered(all, advertiser, 5);
    areInSequence(all);
    const [acme, globex] = [await state(admin, "acme"), await state(admin, "globex")];
    assert.notEqual(acme.producer.id, globex.producer.id);
    assert.deepEqual([acme.cluster, acme.topic, acme.next_sequence], [cluster.cluster, TOPIC, 5]);
  });
});

async function notSpokenTo({ admin, sender, front }) {
  await send(sender, impressions("acme", "x", 5));
  await eventually(async () => assert.ok((await state(admin, "acme")).trouble), SOON_MS);
  const { state: now, sent, trouble } = await state(admin, "acme");
  assert.deepEqual([now, sent, front.batches.length], ["waiting", 0, 0], trouble.detail);
  assert.ok(["not_connected", "connection_lost"].includes(trouble.code), trouble.code);
}

describe("logging in", { skip }, () => {
  const login = { username: "bill,ing=", password: "päss" };
  const check = (mechanism) => async (t) => {
    const vars = { KAFKA_SECURITY: "sasl_plaintext", KAFKA_MECHANISM: mechanism, KAFKA_USERNAME: login.username, KAFKA_PASSWORD: login.password };
    const username = mechanism === "PLAIN" ? login.username : "bill=2Cing=3D";
    const all = await setUp(t, { sasl: { ...login, username, mechanism }, vars });
    await send(all.sender, impressions("acme", "x", 5));
    await isDelivered(all, "acme", 5);
    assert.equal(all.front.strangers, 0);
  };

  test("SASL/PLAIN", check("PLAIN"));
  test("SASL/SCRAM-SHA-256", check("SCRAM-SHA-256"));

  for (const mechanism of [undefined, "PLAIN", "SCRAM-SHA-512"]) {
    test(`over TLS, with ${mechanism ? `SASL/${mechanism}` : "no login"}, through a kill and a cut`, async (t) => {
      const sasl = mechanism && { mechanism, username: "bill", password: "päss" };
      const login = mechanism ? { KAFKA_MECHANISM: mechanism, KAFKA_USERNAME: "bill", KAFKA_PASSWORD: "päss" } : {};
      const vars = { KAFKA_SECURITY: mechanism ? "sasl_ssl" : "ssl", ...login };
      const all = await setUp(t, { sasl, secure: authority.sign("localhost"), host: "localhost", vars });
      await send(all.sender, impressions("acme", "x", 5));
      await isDelivered(all, "acme", 5);
      all.front.faults.push("lose_answer");
      await send(all.sender, impressions("acme", "y", 6));
      await all.runtime.restart();
      await isDelivered(all, "acme", 11);
      all.front.cut();
      await send(all.sender, impressions("acme", "z", 7));
      await isDelivered(all, "acme", 18);
      areInSequence(all);
      assert.equal(all.front.strangers, 0);
    });
  }

  for (const [who, secure] of [
    ["whoever is not trusted", () => stranger.sign("localhost")],
    ["whoever is trusted under another name", () => authority.sign("elsewhere.example")],
  ]) {
    test(`over TLS, ${who} is not spoken to`, async (t) => notSpokenTo(await setUp(t, { secure: secure(), host: "localhost", vars: { KAFKA_SECURITY: "ssl" } })));
  }

  test("a wrong password stops it, and the right one starts it again", async (t) => {
    const vars = { KAFKA_SECURITY: "sasl_plaintext", KAFKA_MECHANISM: "SCRAM-SHA-256", KAFKA_USERNAME: "me", KAFKA_PASSWORD: "wrong" };
    const all = await setUp(t, { sasl: { mechanism: "SCRAM-SHA-256", username: "me", password: "right" }, vars });
    await send(all.sender, impressions("acme", "x", 5));
    await eventually(async () => assert.equal((await state(all.admin, "acme")).trouble?.code, "authentication_failed"), SOON_MS);
    const { state: now, sent } = await state(all.admin, "acme");
    assert.deepEqual([now, sent], ["stopped", 0]);
    all.runtime.setVars({ KAFKA_PASSWORD: "right" });
    await all.runtime.restart();
    await isDelivered(all, "acme", 5);
  });
});

test("without brokers nothing goes anywhere, and wrong settings are said", { skip }, async (t) => {
  const runtime = await newRuntime({ vars: { KAFKA_BROKERS: "" } });
  t.after(() => runtime.stop());
  await runtime.start();
  const admin = new Api(runtime.url, runtime.adminToken);
  await send(admin.as(runtime.writeKey), impressions("acme", "x", 5));
  assert.equal((await state(admin, "acme")).state, "off");
  isProblem(await admin.post("/v1/billing/kafka/resume?advertiser=acme"), 409, "kafka_off");
  runtime.setVars({ KAFKA_BROKERS: "broker.example" });
  await runtime.restart();
  const { state: now, misconfigured } = await state(admin, "acme");
  assert.deepEqual([now, misconfigured], ["misconfigured", '"broker.example" is not host:port']);
  const { degraded } = (await admin.get("/healthz")).json;
  assert.ok(degraded.some(({ part }) => part === "kafka"), JSON.stringify(degraded));
});
