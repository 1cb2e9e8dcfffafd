// Measures the built worker in workerd; `cargo xtask bench` calls it, one process a group.
//
//   node tests/harness/measure.mjs GROUP [--quick]
//
// Prints a JSON object a figure: name, unit, one value a run, and what else is to be known.

import { setTimeout as sleep } from "node:timers/promises";

import { Traffic, load, percentiles } from "./load.mjs";
import { Runtime } from "./runtime.mjs";

const [group, ...flags] = process.argv.slice(2);
const quick = flags.includes("--quick");

const PORT = Number(process.env.ADTALLY_BENCH_PORT ?? 8831);
const RUNS = Number(process.env.ADTALLY_BENCH_RUNS ?? (quick ? 1 : 3));
const SECONDS = quick ? 1 : 3;
const SIZES = [1, 25, 500];
const CONNECTIONS = [1, 8, 64];

/** Advertisers that share the worker. */
const ADVERTISERS = 64;

/** Objects that the traffic of one advertiser keeps busy all the time: its Linker, which has timers. */
const BUSY_OBJECTS = 1;

/** How long after the last event something is told of it: to reports, and then to billing and its ledger. */
const TOLD_MS = 8_000;

/** Workers Paid, in dollars a million. */
const PRICE = { request: 0.3, cpuMs: 0.02, objectCall: 0.15, gigabyteSecond: 12.5, row: 1, queueOperation: 0.4, bucketWrite: 4.5, bucketRead: 0.36 };
const OBJECT_GIGABYTES = 0.128;

const runtime = new Runtime([PORT, PORT + 1, PORT + 2]);

const tell = (name, unit, runs, notes = {}) => console.log(JSON.stringify({ name: `worker/${name}`, unit, runs, notes }));

/** Posts bodies of some advertisers in turn. */
async function drive({ advertisers, events, connections, seconds, pace, toldMs = 600 }) {
  const traffics = advertisers.map((advertiser) => new Traffic(advertiser));
  let turn = 0;
  const body = () => traffics[turn++ % traffics.length].body(events);
  const before = await runtime.usage(advertisers[0]);
  const result = await load({ port: runtime.port, token: runtime.writeKey, connections, seconds, pace, body });
  // What is told afterwards belongs to it.
  const { seconds: took } = result;
  await sleep(toldMs);
  const after = await runtime.usage(advertisers[0]);
  const used = Object.fromEntries(Object.keys(after).map((name) => [name, after[name] - before[name]]));
  return { ...result, took, used };
}

let run = 0;

/** New advertisers, that have been written to already: making tables is not what is measured. */
async function freshAdvertisers(count, events, connections, toldMs) {
  run++;
  const advertisers = Array.from({ length: count }, (_, i) => `advertiser-${run}-${i}`);
  await drive({ advertisers, events, connections: Math.min(connections, 8), seconds: quick ? 0.3 : 0.7, toldMs });
  return advertisers;
}

async function grid(name, advertisers) {
  for (const events of quick ? SIZES.slice(0, 2) : SIZES) {
    for (const connections of quick ? CONNECTIONS.slice(1, 2) : CONNECTIONS) {
      const results = [];
      for (let i = 0; i < RUNS; i++) {
        const some = await freshAdvertisers(advertisers, events, connections);
        results.push(await drive({ advertisers: some, events, connections, seconds: SECONDS }));
      }
      const rates = results.map((result) => result.events / result.seconds);
      const middle = results[rates.indexOf([...rates].sort((a, b) => a - b)[Math.floor(rates.length / 2)])];
      tell(`${name}/events${events}/c${connections}`, "events/s", rates, {
        requests_per_s: round(middle.requests / middle.seconds),
        detail: latency(middle.latency),
        statuses: middle.statuses,
        cpu_ms_per_request: round((middle.used.cpu_s * 1e3) / middle.requests),
        client_cores: round(middle.clientCores),
      });
    }
  }
}

const round = (value) => Number(value.toPrecision(4));

const latency = ({ p50, p90, p99 }) => `p50 ${round(p50)} p90 ${round(p90)} p99 ${round(p99)} ms`;

/** What a million events cost by the price table, and of what. */
function dollars({ requests, events, seconds, used }, busy = BUSY_OBJECTS) {
  const perMillion = 1e6 / events;
  const parts = {
    requests: requests * PRICE.request,
    cpu: used.cpu_s * 1e3 * PRICE.cpuMs,
    object_calls: used.object_calls * PRICE.objectCall,
    queue: used.queue_operations * PRICE.queueOperation + used.consumer_calls * PRICE.request,
    // An object that is idle and may be evicted costs nothing: Reports and ledgers are billed for as long as they are asked.
    duration: (seconds * busy + used.object_ms / 1e3) * OBJECT_GIGABYTES * PRICE.gigabyteSecond,
    rows: (used.rows_written + used.alarms_set) * PRICE.row,
    bucket: used.bucket_writes * PRICE.bucketWrite + used.bucket_reads * PRICE.bucketRead,
  };
  const millionths = Object.entries(parts).map(([name, price]) => [name, round((price / 1e6) * perMillion)]);
  return { total: millionths.reduce((sum, [, price]) => sum + price, 0), parts: Object.fromEntries(millionths) };
}

const GROUPS = {
  linker: () => grid("linker", 1),
  whole: () => grid("whole", ADVERTISERS),

  /** Rows and dollars of one advertiser: as fast as it goes, and at a thousand events a second. */
  async costs() {
    const cases = [
      ["single", 1, 64, undefined],
      ["batch", 25, 64, undefined],
      ["batch-40-per-s", 25, 8, 40],
      ["single-40-per-s", 1, 8, 40],
    ];
    for (const [name, events, connections, pace] of cases) {
      const results = [];
      for (let i = 0; i < RUNS; i++) {
        const advertisers = await freshAdvertisers(1, events, connections, TOLD_MS);
        results.push(await drive({ advertisers, events, connections, seconds: 2 * SECONDS, pace, toldMs: TOLD_MS }));
      }
      const rows = results.map(({ used, events }) => ((used.rows_written + used.alarms_set) * 1e3) / events);
      const at = `at ${round(results[0].events / results[0].seconds)} events/s`;
      tell(`rows/${name}`, "rows/k", rows, { detail: at });
      const prices = results.map((result) => dollars(result));
      tell(`dollars/${name}`, "$/M", prices.map(({ total }) => total), { detail: at, of: prices[0].parts });
    }
  },

  /** From the acknowledgement of an event until a report has it, with other traffic beside it. */
  async freshness() {
    const others = Array.from({ length: 16 }, (_, i) => `other-${i}`);
    const traffics = others.map((advertiser) => new Traffic(advertiser));
    const mine = new Traffic("fresh");
    let [turn, isOver] = [0, false];
    const background = load({
      port: runtime.port,
      token: runtime.writeKey,
      connections: 4,
      pace: 20,
      body: () => (isOver ? undefined : traffics[turn++ % traffics.length].body(25)),
    });
    const question = new URLSearchParams({ scope: "advertiser:fresh", metrics: "impressions,clicks,conversions", from: "2020-01-01", to: "2100-01-01" });
    const seen = async () => {
      const answer = await fetch(`${runtime.url}/v1/reports?${question}`, { headers: { authorization: `Bearer ${runtime.adminToken}` } });
      if (answer.status !== 200) throw new Error(`no report: ${answer.status} ${await answer.text()}`);
      return Object.values((await answer.json()).totals).reduce((sum, count) => sum + count, 0);
    };
    const delays = [];
    for (let i = 0; i < (quick ? 10 : 200); i++) {
      let sent = 0;
      await load({ port: runtime.port, token: runtime.writeKey, connections: 1, body: () => (sent++ ? undefined : mine.body(1)) });
      const acknowledged = performance.now();
      while ((await seen()) < mine.count) await sleep(2);
      delays.push(performance.now() - acknowledged);
    }
    isOver = true;
    await background;
    const { p50, p99, max } = percentiles(delays);
    tell("freshness/p50", "ms", [p50]);
    tell("freshness/p99", "ms", [p99], { samples: delays.length, detail: `max ${round(max)} ms of ${delays.length}` });
  },

  /** A Linker with two million impressions: what its isolate holds, and how long it takes to be back after a kill. */
  async touches() {
    const wanted = quick ? 20_000 : 2_000_000;
    const body = 5_000;
    const traffic = new Traffic("touches", wanted / 5);
    const empty = await runtime.usage("empty");
    const next = () => (traffic.count < wanted ? traffic.body(body) : undefined);
    const result = await load({ port: runtime.port, token: runtime.writeKey, connections: 2, body: next, patience: 300 });
    const filled = await runtime.usage("touches");
    await sleep(3_000);
    const starts = [];
    let back;
    for (let i = 0; i < RUNS; i++) {
      await runtime.restart();
      const start = performance.now();
      let sent = 0;
      const one = () => (sent++ ? undefined : traffic.body(1));
      await load({ port: runtime.port, token: runtime.writeKey, connections: 1, body: one });
      starts.push(performance.now() - start);
      back = await runtime.usage("touches");
    }
    const notes = { events: result.events, statuses: result.statuses };
    const megabytes = (bytes) => (bytes - empty.memory_bytes) / 1e6;
    tell("touches/fill", "events/s", [result.events / result.seconds], { ...notes, detail: `${result.events} events` });
    tell("touches/memory-filled", "MB", [megabytes(filled.memory_bytes)], { ...notes, detail: `${result.events} events` });
    tell("touches/memory", "MB", [megabytes(back.memory_bytes)], { ...notes, detail: `${result.events} events, after a restart` });
    tell("touches/recovery", "ms", starts, { ...notes, detail: `${result.events} events in the log` });
  },

  /** A day of one shard through archive and batch: how long it takes, how much memory, and at which price. */
  async nightly() {
    const wanted = Number(process.env.ADTALLY_BENCH_DAY ?? (quick ? 20_000 : 1_000_000));
    const day = Math.floor(Date.now() / 86_400_000 - 1) * 86_400_000;
    // Twenty events a user, all over the day.
    const traffic = new Traffic("nightly", Math.ceil(wanted / 20), { start: day, step: 1_700 });
    const next = () => (traffic.count < wanted ? traffic.body(5_000) : undefined);
    const filled = await load({ port: runtime.port, token: runtime.writeKey, connections: 2, body: next, patience: 300 });
    await sleep(3_000);
    const archived = await runtime.usage("nightly");
    const archive = dollars({ requests: 0, events: wanted, seconds: 0, used: { ...idle(archived), bucket_writes: archived.bucket_writes, bucket_reads: archived.bucket_reads } });
    const detail = `${wanted} events`;
    tell("nightly/archive-dollars", "$/M", [archive.total], { detail, writes: archived.bucket_writes, reads: archived.bucket_reads });
    // Memory of WebAssembly never shrinks, so what there is at the end is the most that there was: of the batch alone.
    await runtime.restart();
    const before = await runtime.usage("nightly");
    const start = performance.now();
    const headers = { authorization: `Bearer ${runtime.adminToken}`, "content-type": "application/json" };
    const ask = async (path, init) => (await fetch(`${runtime.url}${path}`, { headers, ...init })).json();
    const { run } = await ask("/v1/jobs", { method: "POST", body: JSON.stringify({ job: "batch", days: null }) });
    let state;
    let resident = 0;
    do {
      await sleep(500);
      resident = Math.max(resident, runtime.residentBytes());
      state = await ask(`/v1/jobs/${run}`);
    } while (!["succeeded", "failed"].includes(state.state));
    const seconds = (performance.now() - start) / 1e3;
    const after = await runtime.usage("nightly");
    if (state.state !== "succeeded") throw new Error(JSON.stringify(state.tasks.filter((task) => task.error)));
    const used = Object.fromEntries(Object.keys(after).map((name) => [name, after[name] - before[name]]));
    const of = (kind) => state.tasks.filter((task) => task.id.startsWith(kind));
    const took = (kind) => of(kind).map((task) => (Date.parse(task.ended) - Date.parse(task.started)) / 1e3);
    const kinds = ["archive", "merge", "judge", "cut", "link", "scopes", "publish", "finish", "compact"];
    const steps = Object.fromEntries(kinds.map((kind) => [kind, { tasks: of(kind).length, most_s: round(Math.max(0, ...took(kind))), all_s: round(took(kind).reduce((sum, seconds) => sum + seconds, 0)) }]));
    tell("nightly/seconds", "s", [seconds], { detail: `${detail}, ${state.tasks.length} tasks`, steps, resident_mb: round(resident / 1e6) });
    tell("nightly/memory", "MB", [after.memory_bytes / 1e6], { detail: `${detail}: Linker, reports, jobs and all tasks in one isolate; at the start ${round(before.memory_bytes / 1e6)} MB` });
    // The tasks run one after the other in a consumer; beside it the Linker, the Jobs object and three reports wait.
    const price = dollars({ requests: 0, events: wanted, seconds, used }, 5);
    tell("nightly/batch-dollars", "$/M", [price.total], { detail, of: price.parts });
    const question = new URLSearchParams({ scope: "advertiser:nightly", source: "batch", metrics: "impressions,clicks,conversions", from: "2020-01-01", to: "2100-01-01" });
    const { totals } = await ask(`/v1/reports?${question}`);
    const counted = Object.values(totals).reduce((sum, count) => sum + count, 0);
    if (counted !== wanted) throw new Error(`the batch has ${counted} of ${wanted} events`);
    tell("nightly/fill", "events/s", [filled.events / filled.seconds], { detail, statuses: filled.statuses });
  },
};

/** What is used where nothing is. */
const idle = (used) => Object.fromEntries(Object.keys(used).map((name) => [name, 0]));

if (!GROUPS[group]) throw new Error(`there is no group ${group}: ${Object.keys(GROUPS).join(", ")}`);
await runtime.start();
try {
  await GROUPS[group]();
} finally {
  await runtime.stop();
}
