// The linking rules by example: two event sets with the outcome of each event, from a naive reference.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

import { eventually, mapConcurrently } from "./api.mjs";
import { ROOT, useServer } from "./server.mjs";

const FOLDER = join(ROOT, "..", "shared", "golden");
const SKIP = existsSync(FOLDER) ? false : `NOT TESTED: the golden sets are missing (${FOLDER})`;
const MEASURES = [
  "impressions,views,clicks,linked_clicks,conversions,view_through,unattributed,cost_micros,value_micros",
  "invalid_impressions,invalid_clicks,invalid_conversions",
].join();
const SEED = Number(process.env.ADTALLY_TEST_SEED ?? Date.now() % 1_000_000);

const text = (name) => readFileSync(join(FOLDER, name), "utf8");
const lines = (name) => text(name).trimEnd().split("\n").map((line) => JSON.parse(line));

const ORDERS = {
  "in the given order, 100 at a time": (events) => batches(events, () => 100),
  [`shuffled, duplicated and in odd batches (seed ${SEED})`]: (events) => {
    const random = generator(SEED);
    return batches(shuffle([...events, ...events.filter(() => random() < 0.3)], random), () => 1 + Math.floor(random() * 40));
  },
};

// A skipped suite would not be counted, a skipped test is.
if (SKIP) test("the golden sets", { skip: SKIP });
// Two at a time, so that one starts its server while the other works.
else describe("the golden sets", { concurrency: 2 }, () => {
  for (const set of ["default", "custom"]) {
    for (const [order, arrange] of Object.entries(ORDERS)) {
      describe(`${set} ${order}`, { concurrency: 1 }, () => check(set, arrange));
    }
  }
});

function check(set, arrange) {
  const server = useServer();

  test("is accepted, each event once", async () => {
    for (const [key, { skew_ms: _, ...settings }] of Object.entries(JSON.parse(text(`${set}.settings.json`)))) {
      const answer = await server.admin.put(`/v1/advertisers/${key}`, settings);
      assert.ok(answer.status === 200 || answer.status === 201, answer.text);
    }
    const sent = { accepted: 0 };
    for (const batch of arrange(lines(`${set}.events.ndjson`))) sent.accepted += (await server.sender.collect(batch)).accepted;
    assert.equal(sent.accepted, lines(`${set}.outcomes.ndjson`).length);
  });

  test("every event comes out as in the reference", async () => {
    const expected = lines(`${set}.outcomes.ndjson`);
    const wrong = await mapConcurrently(expected, 16, async (line) => {
      const { advertiser, kind, id, cell, ...outcome } = line;
      const { status, json } = await server.admin.get(`/v1/events/${id}`, { advertiser, kind });
      if (status !== 200) return { line, status };
      const story = Object.fromEntries(Object.keys(outcome).map((name) => [name, json[name] ?? null]));
      const dims = Object.fromEntries(Object.keys(cell).map((name) => [name, json.cell[name] ?? ""]));
      return same([story, dims], [outcome, cell]) ? undefined : { line, story, dims };
    });
    const differing = wrong.filter((entry) => entry !== undefined);
    assert.deepEqual(differing.slice(0, 3), [], `${differing.length} of ${expected.length} events differ`);
    assert.ok(expected.length > 700);
  });

  test("totals by advertiser, campaign and day are those of the reference", async () => {
    const zeros = Object.fromEntries(MEASURES.split(",").map((name) => [name, 0]));
    const expected = JSON.parse(text(`${set}.totals.json`)).map((total) => ({ ...zeros, ...total, day: new Date(total.day).toISOString() }));
    const query = { scope: "platform", by: "advertiser,campaign,day", metrics: MEASURES, tz: "UTC", from: "2026-09-01", to: "2026-11-01" };
    await eventually(async () => {
      const rows = (await server.admin.rows(query)).map((row) => ({ ...row, day: new Date(row.day).toISOString() }));
      // Rows that hold nothing but what the reference does not count.
      const filled = rows.filter((row) => MEASURES.split(",").some((name) => row[name] !== 0));
      assert.deepEqual(sorted(filled), sorted(expected));
    }, 5_000);
  });
}

const same = (left, right) => {
  try {
    assert.deepEqual(left, right);
    return true;
  } catch {
    return false;
  }
};

const sorted = (rows) => {
  const key = ({ advertiser, campaign, day }) => [advertiser, campaign, day].join("|");
  return rows.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
};

function batches(events, size) {
  const all = [];
  for (let from = 0; from < events.length; from += all.at(-1).length) all.push(events.slice(from, from + size()));
  return all;
}

function shuffle(items, random) {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [items[i], items[j]] = [items[j], items[i]];
  }
  return items;
}

/** A small random number generator (mulberry32), so that a failing order can be run again. */
function generator(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
