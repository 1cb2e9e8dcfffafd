// All of linking at speed, through kills: nothing acknowledged is lost or doubled, and all of it is linked as it should be.
//
// In workerd without the development server, so that it is up again within a second.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { Api, eventually, untilAcknowledged } from "./api.mjs";
import { METRICS, RANGE, crowd, recount } from "./crowd.mjs";
import { newRuntime } from "./nightly.mjs";

const EVENTS = Number(process.env.ADTALLY_TEST_EVENTS ?? 200_000);
const SENDERS = 8;
const BODY = 400;

/** One of them has several shards. */
const ADVERTISERS = ["solo", "sharded", "third"];

/** Spread over the sending, so that however slow a machine is, it gets on between them. */
const KILLS = 10;

/** What was acknowledged and not told is told by alarms, after the last kill. */
const CATCH_UP_MS = 20_000;

test(`${EVENTS} events from ${SENDERS} senders, ${KILLS} kills: linked as a naive count links them`, async (t) => {
  const events = crowd(EVENTS, ADVERTISERS, 7);
  const expected = recount(events);
  const runtime = await newRuntime();
  await runtime.start();
  try {
    const admin = () => new Api(runtime.url, runtime.adminToken);
    const sharded = await admin().put("/v1/advertisers/sharded", { name: "sharded", currency: "KRW", timezone: "UTC", shards: 3 });
    assert.ok(sharded.status < 300, sharded.text);
    const tally = await sendThroughKills(runtime, events);
    t.diagnostic(`${tally.kills} kills, ${tally.resent} requests sent again`);
    assert.ok(tally.resent > 0, "no request was ever cut: the kills tested nothing");

    const check = () => eventually(() => sameAs(expected, admin()), CATCH_UP_MS);
    await check();
    // Once more from what is stored, without any event in between.
    await runtime.restart();
    await check();
  } finally {
    await runtime.stop();
  }
});

/** Sends all events in bodies of some hundred over several senders, while the runtime is killed again and again. */
async function sendThroughKills(runtime, events) {
  const bodies = Array.from({ length: Math.ceil(events.length / BODY) }, (_, i) => events.slice(i * BODY, (i + 1) * BODY));
  let [next, acknowledged, resent, kills] = [0, 0, 0, 0];
  const sender = new Api(runtime.url, runtime.writeKey);
  const send = async () => {
    while (next < bodies.length) {
      const body = bodies[next++];
      const attempts = await untilAcknowledged(sender, body);
      resent += attempts;
      acknowledged++;
      // Some senders do not trust an acknowledgement.
      if (next % 10 === 0) await untilAcknowledged(sender, body);
    }
  };
  const killOften = async () => {
    for (; kills < KILLS; kills++) {
      while (acknowledged < (bodies.length * (kills + 1)) / (KILLS + 1)) await sleep(10);
      // At an instant that has nothing to do with the requests under way.
      await sleep(Math.random() * 200);
      await runtime.restart();
    }
  };
  await Promise.all([killOften(), ...Array.from({ length: SENDERS }, send)]);
  return { resent, kills };
}

/** Whether every total of every advertiser and campaign is what it should be. */
async function sameAs(expected, admin) {
  const found = new Map();
  for (const advertiser of ADVERTISERS) {
    const query = { scope: `advertiser:${advertiser}`, by: "campaign", metrics: METRICS.join(), ...RANGE };
    for (const { campaign, ...sums } of await admin.rows(query)) found.set(`${advertiser} ${campaign}`, sums);
  }
  const places = [...new Set([...found.keys(), ...expected.keys()])].sort();
  const difference = (place) => {
    const sums = [found, expected].map((totals) => totals.get(place) ?? {});
    const differing = METRICS.filter((metric) => sums[0][metric] !== sums[1][metric]);
    return differing.map((metric) => `${place}: ${sums[0][metric]} ${metric} instead of ${sums[1][metric]}`);
  };
  assert.deepEqual(places.flatMap(difference), []);
}
