// What every released version stored is read by this one, and goes on: its events are known, linked and counted.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Api, eventually, ndjson } from "./api.mjs";
import { RANGE, recount } from "./crowd.mjs";
import { CATCH_UP_MS, batch, counted, send } from "./nightly.mjs";
import { ADVERTISERS, EVENTS, FIRST_HALF, releases, runtimeOf, unpacked } from "./releases.mjs";

const HOUR = 3_600_000;

const names = await releases();

/** What advertisers are charged is what the reports say that it costs. */
async function billed(admin) {
  for (const advertiser of ADVERTISERS) {
    const { json } = await admin.get("/v1/billing", { advertiser, ...RANGE });
    const { cost_micros } = await admin.totals({ scope: `advertiser:${advertiser}`, metrics: "cost_micros", ...RANGE });
    assert.deepEqual(json.totals.map(({ net_micros }) => net_micros), [cost_micros], JSON.stringify(json.totals));
  }
}

test("there are releases", () => assert.ok(names.length >= 2, `${names}`));

for (const name of names) {
  describe(`what is stored in ${name}`, { timeout: 240_000 }, () => {
    test("is read, and goes on", async (context) => {
      const runtime = await runtimeOf(await unpacked(name), HOUR);
      context.after(() => runtime.stop());
      const admin = new Api(runtime.url, runtime.adminToken);
      const sender = new Api(runtime.url, runtime.writeKey);
      const counts = (expected, query) =>
        eventually(async () => assert.deepEqual(await counted(admin, ADVERTISERS, "campaign", query), recount(expected)), CATCH_UP_MS);

      await counts(FIRST_HALF);
      const again = await sender.post("/v1/events", ndjson(FIRST_HALF.slice(0, 400)), { "content-type": "application/x-ndjson" });
      assert.deepEqual([again.status, again.json.accepted, again.json.duplicates], [202, 0, 400], again.text);
      const click = FIRST_HALF.find(({ kind }) => kind === "click");
      const story = await admin.get(`/v1/events/${click.id}`, { advertiser: click.advertiser });
      assert.equal(story.status, 200, story.text);

      await send(sender, EVENTS);
      await counts(EVENTS);
      // Before the restart: it loses what is in the queue, and alarms ring by a clock that is not ahead.
      await eventually(() => billed(admin), CATCH_UP_MS);
      await runtime.restart();
      await counts(EVENTS);

      await batch(admin);
      await counts(EVENTS);
      await counts(EVENTS, { source: "batch" });
    });
  });
}
