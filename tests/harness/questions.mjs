// Measures statements over many cells of one advertiser in workerd, with and without a cube.
//
//   node tests/harness/questions.mjs FOLDER [--quick]
//
// The folder is what `adtally-bench segments` made. The cells are published as the batch publishes them; the statements
// go through the whole worker. Prints a JSON object a figure, as measure.mjs does.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { QUERIES } from "./cube-queries.mjs";
import { Runtime } from "./runtime.mjs";

const [folder, ...flags] = process.argv.slice(2);
const quick = flags.includes("--quick");
const RUNS = quick ? 3 : 15;
const MIXED = quick ? 40 : 200;
const PORT = Number(process.env.ADTALLY_BENCH_PORT ?? 8841);
const ADVERTISER = "acme";
const SCOPE = `advertiser:${ADVERTISER}`;
const DAY_MS = 86_400_000;

const tell = (name, unit, runs, notes = {}) => console.log(JSON.stringify({ name: `worker/sql/${name}`, unit, runs, notes }));

/** The few shapes that calls between objects are made of, in the encoding of the worker. */
const wire = {
  number: (n) => {
    const bytes = [];
    for (let left = BigInt(n); ; left >>= 7n) {
      if (left < 128n) return Buffer.from([...bytes, Number(left)]);
      bytes.push(Number(left & 127n) | 128);
    }
  },
  signed: (n) => wire.number(n < 0 ? -2n * BigInt(n) - 1n : 2n * BigInt(n)),
  bytes: (bytes) => Buffer.concat([wire.number(bytes.length), bytes]),
  text: (text) => wire.bytes(Buffer.from(text)),
  list: (items) => Buffer.concat([wire.number(items.length), ...items]),
};
const VERSION = Buffer.from([1]);

/** Publishes days of cells as generation 1. */
async function publish(runtime, days) {
  const bucket = await runtime.bucket("STORE");
  const source = `${ADVERTISER}/0`;
  const published = [];
  for (const { day, bytes } of days) {
    const key = `bench/${day}.cells`;
    const part = Buffer.concat([VERSION, wire.list([Buffer.concat([wire.text(SCOPE), wire.bytes(bytes)])])]);
    await bucket.put(key, Buffer.concat([createHash("sha256").update(part).digest(), part]));
    published.push(Buffer.concat([wire.text(source), wire.signed(day), wire.list([wire.text(key)])]));
  }
  const now = Date.now();
  const cut = Buffer.concat([wire.text(source), wire.number(1), wire.signed(now)]);
  const body = Buffer.concat([VERSION, wire.number(1), wire.signed(now), wire.list([cut]), wire.list(published)]);
  const answer = await runtime.call("REPORT", SCOPE, "/publish", body);
  assert.equal(answer.status, 200, await answer.text());
}

async function ask(runtime, sql, params = []) {
  const start = performance.now();
  const answer = await fetch(`${runtime.url}/v1/sql?scope=${SCOPE}`, {
    method: "POST",
    headers: { authorization: `Bearer ${runtime.adminToken}`, "content-type": "application/json" },
    body: JSON.stringify({ sql, params }),
  });
  const text = await answer.text();
  const took = performance.now() - start;
  assert.equal(answer.status, 200, `${sql}\n${text}`);
  return { took, rows: JSON.parse(text).rows };
}

const api = async (runtime, method, path, body) => {
  const headers = { authorization: `Bearer ${runtime.adminToken}`, "content-type": "application/json" };
  const answer = await fetch(`${runtime.url}${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
};

/** Statements such as dashboards and people send: most by day and few dimensions, some finer. */
function mixed(first, count) {
  let seed = 11;
  const dice = (sides) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * sides);
  };
  const pick = (list) => list[dice(list.length)];
  const day = (offset) => new Date(first * DAY_MS + offset * DAY_MS).toISOString().slice(0, 10);
  const by = [["campaign"], ["day"], ["day", "campaign"], ["country"], ["device"], ["country", "device"], ["service"], ["day", "service"], ["campaign", "country"], [], ["placement"], ["ad"], ["hour"]];
  return Array.from({ length: count }, () => {
    const keys = pick(by);
    const where = [pick([undefined, undefined, `day >= '${day(dice(4))}' AND day < '${day(4 + dice(4))}'`]), pick([undefined, undefined, `campaign = '${1_000 + dice(500)}'`, "country IN ('US', 'GB')", "device <> 'tv'"])].filter(Boolean);
    const columns = [...keys, "SUM(impressions) AS n", pick(["SUM(clicks)", "SUM(cost_micros)", "SUM(clicks) * 1.0 / SUM(impressions)"])];
    return `SELECT ${columns.join(", ")} FROM ad_stats${where.length ? ` WHERE ${where.join(" AND ")}` : ""}${keys.length ? ` GROUP BY ${keys.join(", ")}` : ""} ORDER BY n DESC LIMIT 100`;
  });
}

const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

async function measure(runtime, name, first) {
  const answers = new Map();
  for (const [query, sql] of Object.entries(QUERIES)) {
    await ask(runtime, sql);
    const runs = [];
    for (let i = 0; i < RUNS; i++) {
      const { took, rows } = await ask(runtime, sql);
      runs.push(took);
      answers.set(sql, JSON.stringify(rows.toSorted()));
    }
    tell(`${name}/${query}`, "ms", runs);
  }
  const times = [];
  for (const sql of mixed(first, MIXED)) {
    const { took, rows } = await ask(runtime, sql);
    times.push(took);
    answers.set(sql, rows.length);
  }
  times.sort((a, b) => a - b);
  for (const [share, label] of [[0.5, "p50"], [0.9, "p90"], [0.99, "p99"]]) tell(`${name}/mixed-${label}`, "ms", [at(times, share)], { statements: MIXED });
  return answers;
}

const days = readdirSync(folder)
  .filter((name) => name.endsWith(".cells"))
  .map((name) => ({ day: Number(name.split(".")[0]), bytes: readFileSync(join(folder, name)) }))
  .sort((a, b) => a.day - b.day);
const runtime = new Runtime([PORT, PORT + 1, PORT + 2]);
await runtime.start();
try {
  await publish(runtime, days);
  const plain = await measure(runtime, "base", days[0].day);
  const cube = {
    dimensions: ["campaign", "country", "device", "service", "placement"],
    grain: "day",
    cuboids: [["campaign"], ["campaign", "service", "country"], ["country", "device"], ["service"], ["placement"], ["campaign", "country"], ["campaign", "device"], []],
  };
  const others = { "by-ad": { dimensions: ["ad", "campaign"], grain: "day", cuboids: [] }, hourly: { dimensions: ["campaign"], grain: "hour", cuboids: [[]] } };
  for (const [name, body] of Object.entries({ daily: cube, ...others })) {
    await api(runtime, "PUT", `/v1/cubes/${name}?scope=${SCOPE}`, body);
    const { run } = await api(runtime, "POST", `/v1/cubes/${name}/build?scope=${SCOPE}`);
    for (;;) {
      const { state, tasks } = await api(runtime, "GET", `/v1/jobs/${run}`);
      assert.notEqual(state, "failed", JSON.stringify(tasks));
      if (state === "succeeded") break;
      await sleep(200);
    }
    const { cells, bytes, took_ms: took, parts } = await api(runtime, "GET", `/v1/cubes/${name}?scope=${SCOPE}`);
    tell(`build/${name}`, "ms", [took], { cells, bytes, parts: parts.length });
  }
  const with_cubes = await measure(runtime, "cubes", days[0].day);
  for (const [sql, rows] of plain) assert.deepEqual(with_cubes.get(sql), rows, sql);
} finally {
  await runtime.stop();
}
