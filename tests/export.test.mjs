// Reports as files: every scope and question that `GET /v1/reports` answers, as CSV and as Parquet that engines read.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Api, eventually } from "./api.mjs";
import { ended, newRuntime, start } from "./nightly.mjs";

/** Where `cargo xtask bench` installs the other engines. */
const PYTHON = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "adtally/bench/venv/bin/python");
const READ = {
  duckdb: `
import duckdb, json, sys
rows = duckdb.sql("SELECT * REPLACE (epoch_ms(day) AS day) FROM read_parquet('" + sys.argv[1] + "')").fetchall()
types = duckdb.sql("SELECT column_type FROM (DESCRIBE SELECT * FROM read_parquet('" + sys.argv[1] + "'))").fetchall()
print(json.dumps({"rows": rows, "types": [type for type, in types]}))
`,
  polars: `
import json, polars as pl, sys
frame = pl.read_parquet(sys.argv[1])
rows = frame.with_columns(pl.col("day").dt.epoch("ms")).rows()
print(json.dumps({"rows": rows, "types": [str(type) for type in frame.dtypes]}))
`,
};
const TYPES = {
  duckdb: ["TIMESTAMP WITH TIME ZONE", "VARCHAR", "VARCHAR", "BIGINT", "BIGINT", "DOUBLE", "DOUBLE", "BIGINT"],
  polars: ["Datetime(time_unit='ms', time_zone='UTC')", "String", "String", "Int64", "Int64", "Float64", "Float64", "Int64"],
};
const QUERY = { from: "2026-03-01", to: "2026-03-08", tz: "Asia/Seoul", by: "day,campaign,country", metrics: "impressions,cost_micros,cpm,ctr,reach", sort: "day,campaign,country" };

let runtime, admin;

before(
  async () => {
    runtime = await newRuntime();
    await runtime.start();
    admin = new Api(runtime.url, runtime.adminToken);
    const sender = new Api(runtime.url, runtime.writeKey);
    const event = (n) => ({
      kind: n % 4 === 3 ? "click" : "impression", id: `e${n}`, at: Date.UTC(2026, 2, 1 + (n % 5), n % 24), user: `u${n % 50}`,
      advertiser: ["acme", "globex"][n % 2], campaign: n % 3 ? "여름" : "b", ad: `a${n % 4}`, service: "news", country: ["KR", undefined, "US"][n % 3], cost_micros: 1_000 + n,
    });
    await sender.collect(Array.from({ length: 400 }, (_, n) => event(n)));
    await eventually(async () => {
      for (const scope of ["platform", "advertiser:acme", "service:news"]) {
        const { impressions, clicks } = await admin.totals({ ...QUERY, scope, by: undefined, sort: undefined, metrics: "impressions,clicks" });
        assert.equal(impressions + clicks, scope === "advertiser:acme" ? 200 : 400, scope);
      }
    }, 10_000);
  },
  { timeout: 120_000 },
);
after(() => runtime.stop());

/** Runs a job of these tasks to its end. */
async function run(name, tasks, params = {}) {
  const defined = await admin.put(`/v1/jobs/definitions/${name}`, { tasks });
  assert.equal(defined.status, 200, defined.text);
  return ended(admin, await start(admin, { job: name, params }), 30_000);
}

async function exported(name) {
  const object = await (await runtime.bucket("STORE")).get(`exports/${name}`);
  assert.ok(object, `${name} is missing`);
  return { bytes: Buffer.from(await object.arrayBuffer()), type: object.httpMetadata.contentType };
}

/** The platform's own cells do not tell ads apart: it takes those of all advertisers. */
const SCOPES = { "advertiser:acme": {}, "service:news": { by: "day,advertiser,country", sort: "day,advertiser,country" }, platform: { by: "day,ad,country", sort: "day,ad,country" } };

test("an export has the rows of the report, over every scope, in both forms", async () => {
  const tasks = Object.entries(SCOPES).flatMap(([scope, more], i) =>
    ["csv", "parquet"].map((form) => ({ id: `${form}${i}`, kind: "export", params: { scope, name: `all/${i}.${form}`, query: { ...QUERY, ...more } } })),
  );
  const found = await run("exports", tasks);
  assert.equal(found.state, "succeeded", JSON.stringify(found.tasks));
  for (const [i, [scope, more]] of Object.entries(SCOPES).entries()) {
    const report = await admin.get("/v1/reports", { ...QUERY, ...more, scope, format: "csv" });
    const csv = await exported(`all/${i}.csv`);
    assert.deepEqual([csv.bytes.toString(), csv.type], [report.text, "text/csv; charset=utf-8"], scope);
    const parquet = await exported(`all/${i}.parquet`);
    assert.equal(parquet.type, "application/vnd.apache.parquet");
    assert.deepEqual([parquet.bytes.subarray(0, 4).toString(), parquet.bytes.subarray(-4).toString()], ["PAR1", "PAR1"]);
  }
});

test("engines read the Parquet with its types", { skip: !existsSync(PYTHON) && "`cargo xtask bench` installs the other engines" }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "adtally-export-"));
  try {
    for (const [i, [scope, more]] of Object.entries(SCOPES).entries()) {
      const { rows } = await admin.report({ ...QUERY, ...more, scope });
      assert.ok(rows.length > 10 && rows.some((row) => row[2] === ""), "what is unknown is tested too");
      const expected = rows.map(([day, name, country, ...figures]) => [Date.parse(day), name || null, country || null, ...figures]);
      const path = join(folder, `${i}.parquet`);
      await writeFile(path, (await exported(`all/${i}.parquet`)).bytes);
      for (const engine of Object.keys(READ)) {
        const { status, stdout, stderr } = spawnSync(PYTHON, ["-c", READ[engine], path], { encoding: "utf8", env: { ...process.env, TZ: "UTC" } });
        assert.equal(status, 0, stderr);
        assert.deepEqual(JSON.parse(stdout), { rows: expected, types: TYPES[engine] }, `${engine} ${scope}`);
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("a check looks at any scope as well, and what is no question fails for good", async () => {
  const check = (id, scope, query, bounds) => ({ id, kind: "check", params: { scope, metric: "impressions", query: { ...QUERY, sort: undefined, metrics: "impressions", ...query }, ...bounds } });
  const found = await run("checks", [
    check("wide", "platform", { by: "ad", filter: "ad:eq:a0" }, { min: 100, max: 100 }),
    check("narrow", "platform", { by: "ad", filter: ["ad:in:a0,a1"] }, { min: 101 }),
    check("hidden", "{{whose}}", { by: "campaign" }, { min: 0 }),
  ], { whose: "service:news" });
  const tasks = Object.fromEntries(found.tasks.map(({ id, state, attempts, error }) => [id, { state, attempts, error }]));
  assert.equal(tasks.wide.state, "succeeded", JSON.stringify(tasks));
  assert.match(tasks.narrow.error, /impressions must be at least 101: 100 for a0, 100 for a1/);
  assert.deepEqual([tasks.hidden.state, tasks.hidden.attempts], ["failed", 1]);
  assert.match(tasks.hidden.error, /campaign/);
});
