// Deterministic traffic of two advertisers in two services, and a naive count of it.

import assert from "node:assert/strict";

import { eventually } from "./api.mjs";
import { bucketStart } from "./calendar.mjs";
import { useServer } from "./server.mjs";

const HOUR = 3_600_000;

/** Around the day on which clocks change in New York, 2026-03-08. */
const FIRST = Date.UTC(2026, 2, 6, 20, 12);

/** All of it lies in this range, in every zone. */
export const RANGE = { from: "2026-03-01", to: "2026-04-01" };

/** Every seventh impression is clicked; each click names its impression and says nothing else. */
export const EVENTS = Array.from({ length: 240 }, (_, i) => {
  const advertiser = ["acme", "globex"][i % 2];
  const dims = {
    advertiser,
    campaign: `${advertiser}-${i % 3}`,
    ad: `ad${i % 5}`,
    service: ["news", "map"][i % 4 === 0 ? 1 : 0],
    placement: ["top", "side"][i % 3 === 0 ? 1 : 0],
    country: ["KR", "US", ""][i % 3],
    device: ["mobile", "desktop"][i % 5 === 0 ? 1 : 0],
  };
  const at = FIRST + i * 17 * 60_000;
  const impression = { id: `i${i}`, kind: "impression", at, user: `u${i}`, cost_micros: 1000 + i, ...dims };
  if (i % 7 !== 0) return [impression];
  return [impression, { id: `c${i}`, kind: "click", at: at + 30_000, user: `u${i}`, advertiser, impression: `i${i}` }];
}).flat();

/** What each event adds to the report: its own dimensions or those of its impression. */
const FACTS = EVENTS.map((event) => {
  const source = event.kind === "impression" ? event : EVENTS.find(({ id }) => id === event.impression);
  const { campaign, ad, service, placement, country, device } = source;
  return {
    hour: Math.floor(event.at / HOUR) * HOUR,
    dims: { advertiser: event.advertiser, campaign, ad, service, placement, country, device, label: "" },
    impressions: Number(event.kind === "impression"),
    clicks: Number(event.kind === "click"),
    cost_micros: event.cost_micros ?? 0,
  };
});

/** What is counted of it. */
export const METRICS = ["impressions", "clicks", "cost_micros"];

/** A server for the test file or suite that calls this, with the traffic in its reports. */
export function useServerWithTraffic() {
  return useServer(async (server) => {
    await server.sender.collect(EVENTS);
    const [expected] = naive({});
    await eventually(async () => {
      const totals = await server.admin.totals({ ...RANGE, metrics: METRICS.join() });
      assert.deepEqual(METRICS.map((metric) => totals[metric]), expected);
    }, 5_000);
  });
}

/** The report that a naive reader of the sent events would make. */
export function naive({ by = [], tz = "UTC", where = () => true }) {
  const rows = new Map();
  for (const fact of FACTS) {
    if (!where(fact)) continue;
    const values = by.map((name) => fact.dims[name] ?? new Date(bucketStart(fact.hour, name, tz)).toISOString());
    const key = JSON.stringify(values);
    const sums = rows.get(key) ?? METRICS.map(() => 0);
    rows.set(key, sums.map((sum, i) => sum + fact[METRICS[i]]));
  }
  return [...rows].map(([key, sums]) => [...JSON.parse(key), ...sums]).sort(byText);
}

/** An order of rows that does not depend on the server. */
export const byText = (a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

/** The rows of a report with times in one spelling. */
export function normal(report) {
  const cell = (value, { kind }) => (kind === "time" ? new Date(value).toISOString() : value);
  return report.rows.map((row) => row.map((value, i) => cell(value, report.columns[i])));
}
