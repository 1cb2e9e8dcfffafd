// Measures the dashboard in Chromium: how long until it can be used, and how long each step of the pivot takes.
//
//   node tests/harness/dashboard.mjs [--cells N] [--only explore]
//
// Needs the built worker and dashboard (`cargo xtask build`). Prints a JSON object a figure: name, unit, one value a run,
// and what else is to be known. First loads are measured in a new profile each, so that nothing is cached.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { extname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";

import { Dashboard, launch } from "../browser.mjs";
import { load } from "./load.mjs";
import { Runtime } from "./runtime.mjs";

const { values } = parseArgs({ options: { cells: { type: "string", default: "200000" }, only: { type: "string" } } });
const CELLS = Number(values.cells);
const PORT = Number(process.env.ADTALLY_BENCH_PORT ?? 8851);
const RUNS = Number(process.env.ADTALLY_BENCH_RUNS ?? 5);
const DAY = 86_400_000;
/** Days of the period: as many as columns of days can have. */
const DAYS = 60;

/** The slow profiles of Chromium's own tools: bits a second, latency, and how many times slower the processor is. */
const PROFILES = {
  loopback: undefined,
  "4g": { down: 9_000_000, up: 1_500_000, latency: 60, cpu: 4 },
  "slow-4g": { down: 1_600_000, up: 750_000, latency: 150, cpu: 4 },
};

const runtime = new Runtime([PORT, PORT + 1, PORT + 2]);
const DIST = join(import.meta.dirname, "../../web/dist");
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm", ".svg": "image/svg+xml" };
const url = `http://127.0.0.1:${PORT + 3}`;
const tell = (name, unit, runs, notes = {}) => console.log(JSON.stringify({ name: `dashboard/${name}`, unit, runs: runs.map(round), median: round(median(runs)), notes }));
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const round = (value) => Number(value.toPrecision(4));

/** One event of each cell: nobody's users, over all days. */
function fill(first) {
  let next = 0;
  return () => {
    if (next >= CELLS) return undefined;
    const events = [];
    for (let i = 0; i < 5_000 && next < CELLS; i++, next++) {
      const n = next;
      const at = first + (n % DAYS) * DAY + 3_600_000;
      const m = Math.floor(n / DAYS);
      events.push(JSON.stringify({ id: `e${n}`, kind: n % 9 === 0 ? "click" : "impression", at, advertiser: "big", campaign: `campaign-${m % 10}`, ad: `ad-${m % 100}`, service: `service-${Math.floor(m / 100) % 8}`, placement: `top-${Math.floor(m / 800) % 2}`, country: ["KR", "US", "JP", "DE"][Math.floor(m / 1_600) % 4], device: ["mobile", "desktop"][Math.floor(m / 6_400) % 2] }));
    }
    return { events: events.length, text: events.join("\n") };
  };
}

/** The pages, packed as a server in front of browsers packs them, beside the worker. */
async function serve() {
  const packed = new Map();
  const file = async (path) => {
    if (!packed.has(path)) packed.set(path, readFile(join(DIST, path)).then((bytes) => gzipSync(bytes, { level: 9 }), () => undefined));
    return packed.get(path);
  };
  const server = createServer(async (incoming, answer) => {
    const { pathname } = new URL(incoming.url, url);
    if (/^\/(v1|healthz)/.test(pathname)) {
      const onward = request({ port: runtime.port, host: "127.0.0.1", path: incoming.url, method: incoming.method, headers: incoming.headers }, (came) => {
        answer.writeHead(came.statusCode, came.headers);
        came.pipe(answer);
      });
      return incoming.pipe(onward);
    }
    const path = extname(pathname) ? pathname.slice(1) : "index.html";
    const bytes = await file(path);
    answer.writeHead(bytes ? 200 : 404, { "content-type": TYPES[extname(path)] ?? "application/octet-stream", "content-encoding": "gzip" });
    answer.end(bytes);
  });
  server.on("upgrade", (incoming, socket, head) => {
    const onward = connect(runtime.port, "127.0.0.1", () => {
      const headers = Object.entries(incoming.headers).map(([name, value]) => `${name}: ${value}`);
      onward.write([`${incoming.method} ${incoming.url} HTTP/1.1`, ...headers, "", ""].join("\r\n"));
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    for (const side of [socket, onward]) side.on("error", () => socket.destroy());
  });
  await once(server.listen(PORT + 3, "127.0.0.1"), "listening");
  return server;
}

async function throttled(dashboard, profile) {
  if (!profile) return;
  const session = await dashboard.page.context().newCDPSession(dashboard.page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", { offline: false, latency: profile.latency, downloadThroughput: profile.down / 8, uploadThroughput: profile.up / 8 });
  await session.send("Emulation.setCPUThrottlingRate", { rate: profile.cpu });
}

/** From the navigation until the overview has its figures and the processor has had nothing long to do for a while. */
async function firstLoad(browser, profile, cookies) {
  const dashboard = await Dashboard.open(browser, url, { viewport: { width: 1440, height: 900 } });
  await dashboard.page.context().addCookies(cookies);
  await throttled(dashboard, profile);
  await dashboard.page.addInitScript(() => {
    globalThis.longest = [];
    new PerformanceObserver((list) => globalThis.longest.push(...list.getEntries().map(({ startTime, duration }) => startTime + duration))).observe({ type: "longtask", buffered: true });
    const watch = () => {
      if (!globalThis.shellAt && document.querySelector("main.page h1")) globalThis.shellAt = performance.now();
      const value = document.querySelector('[data-testid="kpi-impressions"] [data-testid="kpi-value"]');
      if (value?.dataset.value) return (globalThis.figuresAt = performance.now());
      requestAnimationFrame(watch);
    };
    requestAnimationFrame(watch);
  });
  await dashboard.page.goto(`${url}/?scope=advertiser:big&range=all&tz=UTC`);
  await dashboard.page.waitForFunction(() => globalThis.figuresAt, undefined, { timeout: 120_000 });
  await dashboard.page.waitForTimeout(2_000 * (profile?.cpu ?? 1) ** 0.5);
  const times = await dashboard.page.evaluate(() => {
    const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
    // What comes after the figures is loaded ahead of pages that nobody has opened yet.
    const sum = (resources) => resources.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
    const resources = performance.getEntriesByType("resource");
    const [bytes, ahead] = [resources.filter(({ startTime }) => startTime <= globalThis.figuresAt), resources.filter(({ startTime }) => startTime > globalThis.figuresAt)].map(sum);
    const idle = globalThis.longest.filter((end) => end < globalThis.figuresAt + 1_000).at(-1) ?? 0;
    return { paint, shell: globalThis.shellAt, figures: globalThis.figuresAt, interactive: Math.max(globalThis.figuresAt, idle), bytes, ahead };
  });
  await dashboard.close();
  return times;
}

/** How long a click takes until its result is laid out; several are clicked in turn, so that each changes something. */
async function step(dashboard, name, selectors, notes = {}) {
  const times = [];
  for (let i = 0; i < RUNS; i++) {
    const selector = [selectors].flat()[i % [selectors].flat().length];
    const ms = await dashboard.page.evaluate(async (selector) => {
      const element = document.querySelector(selector);
      const begun = performance.now();
      element.click();
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
      document.body.getBoundingClientRect();
      return performance.now() - begun;
    }, selector);
    times.push(ms);
    await dashboard.page.waitForTimeout(150);
  }
  const sums = Number(await dashboard.find("took").getAttribute("data-value"));
  const written = await dashboard.page.evaluate(() => document.querySelectorAll(".pivot td").length);
  tell(`explore/${name}`, "ms", times, { sums_ms: round(sums), cells_written: written, goal: 50, ...notes });
}

async function explore(browser, cookies) {
  const dashboard = await Dashboard.open(browser, url, { viewport: { width: 1440, height: 900 } });
  await dashboard.page.context().addCookies(cookies);
  await dashboard.visit("/explore?scope=advertiser:big&range=all&tz=UTC&rows=campaign,ad&metrics=impressions,clicks,ctr&top=50");
  await dashboard.find("pivot-row").first().waitFor({ timeout: 60_000 });
  const cells = await dashboard.find("cells").innerText();
  for (const column of ["", "country", "day"]) {
    if (column) {
      await dashboard.find("columns").selectOption(column);
      await dashboard.page.locator(`[data-testid="pivot"] .group`).first().waitFor();
    }
    const name = column || "none";
    await step(dashboard, `${name}/rank`, ['[data-testid="rank-clicks"]', '[data-testid="rank-impressions"]'], { cells });
    await step(dashboard, `${name}/heat`, '[data-testid="heat"]');
    await step(dashboard, `${name}/open`, '[data-testid="open-row"]');
  }
  await dashboard.close();
}

await runtime.start();
const pages = await serve();
const browser = await launch();
try {
  const first = Math.floor(Date.now() / DAY) * DAY - DAYS * DAY;
  await load({ port: runtime.port, token: runtime.writeKey, connections: 2, body: fill(first), patience: 300 });
  await sleep(4_000);
  const door = await Dashboard.open(browser, url);
  await door.signIn(runtime.adminToken, "/");
  const cookies = await door.page.context().cookies();
  await door.close();
  for (const [name, profile] of values.only === "explore" ? [] : Object.entries(PROFILES)) {
    const runs = [];
    for (let i = 0; i < RUNS; i++) runs.push(await firstLoad(browser, profile, cookies));
    const { bytes, ahead } = runs[0];
    for (const what of ["paint", "shell", "figures", "interactive"]) tell(`first-load/${name}/${what}`, "ms", runs.map((run) => run[what]), { bytes, ahead, ...profile });
  }
  await explore(browser, cookies);
} finally {
  await browser.close();
  pages.close();
  pages.closeAllConnections();
  await runtime.stop();
}
