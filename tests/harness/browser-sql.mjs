// Measures the queries of the cube as SQL in a real Chromium: our module over downloaded cells, and, where asked for,
// DuckDB and SQLite as WebAssembly over the same cells. The answers must be the same.
//
//   node tests/harness/browser-sql.mjs FOLDER [--quick] [--peers=TOOLS]
//
// FOLDER is what `adtally-bench segments` made, TOOLS a folder in which npm has installed the peers. Prints a JSON object
// a figure, as measure.mjs does.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

import { launch } from "../browser.mjs";
import { QUERIES } from "./cube-queries.mjs";
import { OURS, SQLITE } from "./browser-threads.mjs";

const ROOT = join(import.meta.dirname, "../..");
const [folder, ...flags] = process.argv.slice(2);
const runs = flags.includes("--quick") ? 3 : Number(process.env.ADTALLY_BENCH_RUNS ?? 15);
const tools = flags.find((flag) => flag.startsWith("--peers="))?.slice("--peers=".length);
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };

const tell = (name, unit, values, notes = {}, peers = {}) => console.log(JSON.stringify({ name: `browser/sql/${name}`, unit, runs: values, notes, peers }));
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const packed = (path) => gzipSync(readFileSync(path), { level: 9 }).length;

const modules = tools && join(tools, "node_modules");
const duckdb = modules && join(modules, "@duckdb/duckdb-wasm/dist");
const sqlite = modules && join(modules, "@sqlite.org/sqlite-wasm");

/** The folder of SQLite's module: it has moved between versions. */
const sqliteFolder = () => ["dist", "sqlite-wasm/jswasm"].map((path) => join(sqlite, path)).find((path) => readdirSync(sqlite, { recursive: true }).includes(path.slice(sqlite.length + 1) + "/sqlite3.wasm"));

async function bundle(entry) {
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: "esm", platform: "browser", write: false, nodePaths: modules ? [modules] : [], external: ["/duckdb.js"] });
  return outputFiles[0].contents;
}

const texts = new Map([
  ["/", readFileSync(join(import.meta.dirname, "peers.html"))],
  ["/page.js", await bundle(join(import.meta.dirname, "browser-page.mjs"))],
  ["/ours.js", OURS],
  ["/sqlite-thread.js", SQLITE],
]);
if (tools) texts.set("/duckdb.js", await bundle(join(duckdb, "duckdb-browser.mjs")));

/** What is at an address of the page. */
function content(path) {
  if (texts.has(path)) return [path === "/" ? ".html" : ".js", texts.get(path)];
  const [, place, name] = path.split("/");
  const at = { cells: join(folder, `${name}.cells`), engine: join(ROOT, "web/dist/engine", name ?? "") };
  if (tools) Object.assign(at, { duckdb: join(duckdb, name ?? ""), sqlite: join(sqliteFolder(), name ?? "") });
  return [extname(at[place]), readFileSync(at[place])];
}

const server = createServer((request, response) => {
  try {
    const [kind, body] = content(new URL(request.url, "http://localhost").pathname);
    response.writeHead(200, { "content-type": TYPES[kind] ?? "application/octet-stream" }).end(body);
  } catch {
    response.writeHead(404).end();
  }
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const browser = await launch();
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(600_000);
  page.on("console", (message) => console.error(message.text()));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.waitForFunction(() => globalThis.measure !== undefined);
  const days = readdirSync(folder).filter((name) => name.endsWith(".cells")).map((name) => name.split(".")[0]);
  const told = await page.evaluate((asked) => globalThis.measure(asked), { days, queries: QUERIES, runs, peers: tools !== undefined });
  const engines = Object.keys(told).filter((name) => told[name].times && name !== "ours");
  if (tools) assert.equal(told.lines, told.cells);
  for (const engine of engines) assert.deepEqual(told[engine].rows, told.ours.rows, `${engine} answers otherwise`);
  for (const query of Object.keys(QUERIES)) {
    const peers = Object.fromEntries(engines.map((engine) => [engine, median(told[engine].times[query])]));
    tell(query, "ms", told.ours.times[query], { rows: told.ours.rows[query].length, cells: told.cells }, peers);
  }
  tell("load", "ms", [told.ours.load], {}, Object.fromEntries(engines.map((engine) => [engine, told[engine].load])));
  const size = { "duckdb-wasm": duckdb && join(duckdb, "duckdb-eh.wasm"), "SQLite wasm": sqlite && join(sqliteFolder(), "sqlite3.wasm") };
  const module = join(ROOT, "web/dist/engine/adtally_engine_bg.wasm");
  tell("module", "kB", [packed(module) / 1000], { unpacked_kb: statSync(module).size / 1000 }, Object.fromEntries(engines.map((engine) => [engine, packed(size[engine]) / 1000])));
} finally {
  await browser.close();
  server.close();
}
