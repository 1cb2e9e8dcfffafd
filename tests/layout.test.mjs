// Nothing jumps while a page loads: room is kept for what comes later, whichever answer comes first.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { useBrowser } from "./browser.mjs";
import { batch, succeeded } from "./nightly.mjs";
import { useServerWithTraffic } from "./traffic.mjs";

const SCOPE = "scope=advertiser:acme";
const ACME = `${SCOPE}&from=2026-03-01&to=2026-04-01&tz=UTC`;
/** What Web Vitals call good is 0.1. */
const MOST = 0.05;
/** Each answer comes so much later at the most, so that they come in another order than they were asked for. */
const LATE_MS = 400;
/** How long a page may still change when all answers are there. */
const SETTLING_MS = 400;

const PAGES = {
  overview: `/?${ACME}`,
  explore: `/explore?${ACME}&rows=campaign,ad&metrics=impressions,clicks`,
  compare: `/explore?${ACME}&rows=campaign&metrics=impressions,clicks&compare=1`,
  chart: `/explore?${ACME}&rows=day&metrics=impressions&view=chart`,
  bars: `/explore?${ACME}&rows=campaign&metrics=impressions,clicks&view=chart`,
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
  cube: `/cubes?${ACME}&cube=daily`,
  draft: `/cubes?${ACME}&new=campaign,ad`,
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

/** Holds answers back, each of them for as long as its address says. */
async function late(route) {
  const { pathname, search } = new URL(route.request().url());
  const hash = [...pathname, ...search].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 1_000_003, 7);
  await sleep(hash % LATE_MS);
  // Whoever asked may be on another page by now.
  await route.continue().catch(() => {});
}

describe("nothing jumps", () => {
  let run;
  before(async () => {
    ({ run } = await batch(server.admin, null, 60_000));
    const cube = { dimensions: ["campaign", "country", "device"], grain: "day", cuboids: [["campaign"], ["country", "device"]] };
    const made = await server.admin.put(`/v1/cubes/daily?${SCOPE}`, cube);
    assert.ok(made.status < 300, made.text);
    const built = await server.admin.post(`/v1/cubes/daily/build?${SCOPE}`, {});
    await succeeded(server.admin, built.json.run, 60_000);
  });

  for (const [size, options] of Object.entries(SIZES)) {
    test(`on a ${size}`, async (t) => {
      const dashboard = await browser.open(t, server, options);
      await dashboard.page.addInitScript(watch);
      await dashboard.page.route("**/v1/**", late);
      await dashboard.signIn(server.adminToken, PAGES.overview);
      const found = {};
      for (const [page, path] of Object.entries(PAGES)) {
        await dashboard.visit(typeof path === "string" ? path : path(run));
        await dashboard.page.waitForLoadState("networkidle");
        await dashboard.page.waitForTimeout(SETTLING_MS);
        const shifts = await dashboard.page.evaluate(() => globalThis.shifts);
        const sum = shifts.reduce((sum, { value }) => sum + value, 0);
        const worst = shifts.filter(({ value }) => value > 0.005).map(({ value, of }) => `${value.toFixed(3)} ${of.slice(0, 3).join()}`);
        if (sum > MOST) found[page] = [sum.toFixed(3), ...worst];
      }
      assert.deepEqual(found, {});
    });
  }
});
