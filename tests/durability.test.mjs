// Nothing acknowledged is lost, nothing is counted twice: through kill -9 of the whole runtime.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { eventually, untilAcknowledged } from "./api.mjs";
import { useServer } from "./server.mjs";

const KILLS = 4;
const SENDERS = 6;
const BATCH = 25;

/** Facts that were acknowledged and not yet told when the server died are told by the Linker's alarm. */
const CATCH_UP_MS = 5_000;

/** How long a sender tries, over a restart of the server. */
const PATIENCE_MS = 60_000;

const server = useServer();

/** Costs differ from event to event, so that one lost and another doubled do not cancel out. */
const event = (advertiser, id, cost_micros) => ({
  id,
  kind: "impression",
  at: "2026-03-01T10:20:30Z",
  advertiser,
  campaign: "spring",
  ad: "banner",
  user: `u${id}`,
  cost_micros,
});

const totals = (scope, metrics) =>
  server.admin.totals({ scope, metrics, from: "2026-03-01", to: "2026-03-02" });

test("an acknowledged event survives kill -9 right after the answer", async () => {
  const { sender } = server;
  await sender.collect([event("solo", "first", 1)]);
  await server.restart();
  // Nothing else is asked first: a request could wake what has to wake by itself.
  const query = ["advertiser:solo", "impressions,cost_micros"];
  await eventually(async () => assert.deepEqual(await totals(...query), { impressions: 1, cost_micros: 1 }), CATCH_UP_MS);
  const story = await server.admin.get("/v1/events/first", { advertiser: "solo", kind: "impression" });
  assert.deepEqual([story.status, story.json?.outcome], [200, "counted"], story.text);
  assert.deepEqual(await sender.collect([event("solo", "first", 1)]), { accepted: 0, duplicates: 1, rejected: [] });
});

test("until the reports have caught up, no answer claims to be complete", async () => {
  const sent = Date.now();
  await server.sender.collect([event("solo", "second", 1)]);
  await server.restart();
  // News of another shard say nothing about the one that was cut off.
  await server.sender.collect([event("other", "a", 1)]);
  const query = { scope: "platform", by: "advertiser", metrics: "impressions", sort: "advertiser", from: "2026-03-01", to: "2026-03-02" };
  await eventually(async () => {
    const { rows, complete_through } = await server.admin.report(query);
    const [, solo] = rows.find(([advertiser]) => advertiser === "solo");
    if (solo < 2) assert.ok(Date.parse(complete_through) < sent, `complete through ${complete_through}, without the event of ${sent}`);
    assert.deepEqual(rows, [["other", 1], ["solo", 2]]);
  }, CATCH_UP_MS);
});

test(`${SENDERS} senders that resend what was not acknowledged, ${KILLS} kills`, async () => {
  const acknowledged = { batches: 0, events: 0, cost: 0 };
  let resent = 0;
  let done = false;

  const send = async (name) => {
    for (let batch = 0; !done; batch++) {
      const events = Array.from({ length: BATCH }, (_, i) => event("many", `${name}.${batch}.${i}`, 100 * batch + i));
      const attempts = await untilAcknowledged(server.sender, events, PATIENCE_MS);
      resent += attempts;
      acknowledged.batches++;
      acknowledged.events += events.length;
      acknowledged.cost += events.reduce((sum, { cost_micros }) => sum + cost_micros, 0);
    }
  };
  const killOften = async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      const { batches } = acknowledged;
      await eventually(async () => assert.ok(done || acknowledged.batches > batches + SENDERS), PATIENCE_MS);
      // At an instant that has nothing to do with the requests under way.
      await sleep(Math.random() * 300);
      await server.restart();
    }
  };
  const stopAll = () => (done = true);
  await Promise.all([killOften().finally(stopAll), ...Array.from({ length: SENDERS }, (_, i) => send(`s${i}`).finally(stopAll))]);

  assert.ok(resent > 0, "no request was ever cut: the kills tested nothing");
  await eventually(async () => {
    const { impressions, cost_micros } = await totals("advertiser:many", "impressions,cost_micros");
    assert.deepEqual({ impressions, cost_micros }, { impressions: acknowledged.events, cost_micros: acknowledged.cost });
    const platform = await totals("platform", "impressions,cost_micros");
    assert.deepEqual(platform, { impressions: impressions + 3, cost_micros: cost_micros + 3 }, "with those of the tests above");
  }, CATCH_UP_MS);
});
