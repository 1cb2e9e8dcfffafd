// Nothing jumps while a page loads: room is kept for what comes later.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { useBrowser } from "./browser.mjs";
import { batch } from "./nightly.mjs";
import { useServerWithTraffic } from "./traffic.mjs";

const ACME = "scope=advertiser:acme&from=2026-03-01&to=2026-04-01&tz=UTC";
/** What Web Vitals call good is 0.1. */
const MOST = 0.05;
/** Where what stands above is as high as there are tasks, runs or cells of it, which is known when it is there: not better yet. */
const MORE = { desktop: { jobs: 0.25, run: 0.5 }, phone: { jobs: 0.5, run: 1, chart: 0.4, cubes: 0.3 } };
/** How long a page may still change. */
const SETTLING_MS = 1_500;

const PAGES = {
  overview: `/?${ACME}`,
  explore: `/explore?${ACME}&rows=campaign,ad&metrics=impressions,clicks`,
  chart: `/explore?${ACME}&rows=day&metrics=impressions&view=chart`,
  report: `/report?${ACME}&by=campaign&metrics=impressions,clicks`,
  events: `/events?${ACME}`,
  rejected: `/events?${ACME}&list=rejected`,
  restatements: `/restatements?${ACME}`,
  verify: `/verify?${ACME}`,
  jobs: `/jobs?${ACME}`,
  run: (run) => `/jobs?${ACME}&run=${run}`,
  health: `/health?${ACME}`,
  settings: `/settings?${ACME}`,
  cubes: `/cubes?${ACME}`,
  sql: `/sql?${ACME}`,
};

const SIZES = {
  desktop: { viewport: { width: 1440, height: 900 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
};

const server = useServerWithTraffic();
const browser = useBrowser();

/** Adds up the shifts that nobody caused, as the browser reports them. */
function watch() {
  globalThis.shifts = [];
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries()) {
      const name = ({ node }) => node?.dataset?.testid ?? `${node?.localName ?? node?.nodeName ?? "gone"}.${node?.className ?? ""}`;
      if (!hadRecentInput) globalThis.shifts.push({ value, of: sources.map(name) });
    }
  }).observe({ type: "layout-shift", buffered: true });
}

describe("nothing jumps", () => {
  let run;
  before(async () => {
    ({ run } = await batch(server.admin, null, 60_000));
  });

  for (const [size, options] of Object.entries(SIZES)) {
    test(`on a ${size}`, async (t) => {
      const dashboard = await browser.open(t, server, options);
      await dashboard.page.addInitScript(watch);
      await dashboard.signIn(server.adminToken, PAGES.overview);
      const found = {};
      for (const [page, path] of Object.entries(PAGES)) {
        await dashboard.visit(typeof path === "string" ? path : path(run));
        await dashboard.page.waitForTimeout(SETTLING_MS);
        const shifts = await dashboard.page.evaluate(() => globalThis.shifts);
        const sum = shifts.reduce((sum, { value }) => sum + value, 0);
        const worst = shifts.filter(({ value }) => value > 0.005).map(({ value, of }) => `${value.toFixed(3)} ${of.slice(0, 3).join()}`);
        if (sum > (MORE[size][page] ?? MOST)) found[page] = [sum.toFixed(3), ...worst];
      }
      assert.deepEqual(found, {});
    });
  }
});
