// Exports of cubes: a manifest says which files they are, another engine reads them as SQL answers, old ones go.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { Api, eventually } from "./api.mjs";
import { batch as nightly, newRuntime, start, succeeded } from "./nightly.mjs";
import { EVENTS } from "./traffic.mjs";

const RUN_MS = 120_000;
const SCOPE = "advertiser:acme";
const FOLDER = "exports/cubes/scope=advertiser%3Aacme/cube=daily/";
const DEFINITION = { dimensions: ["campaign", "country"], measures: ["reach"], grain: "day", cuboids: [["campaign"], []] };
/** Where `cargo xtask bench` installs the other engines. */
const PYTHON = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "adtally/bench/venv/bin/python");
/** Each cuboid's files, added up by an engine that knows nothing of cubes. */
const READ = `
import duckdb, json, sys
told = json.load(open(sys.argv[1]))
answers = []
for dimensions, files in told:
    keys = "".join(name + ", " for name in dimensions)
    sql = f"SELECT {keys}epoch_ms(unit_start), sum(impressions)::BIGINT, sum(clicks)::BIGINT, sum(cost_micros)::BIGINT, max(reach) FROM read_parquet({files!r}) GROUP BY ALL"
    answers.append(duckdb.sql(sql).fetchall())
print(json.dumps(answers))
`;

describe("exports of a cube", () => {
  let runtime;
  let admin;
  let sender;
  const at = (path) => `/v1/cubes/daily${path}?scope=${SCOPE}`;
  const started = async (path) => succeeded(admin, await start(admin, undefined, at(path)), RUN_MS);

  /** What is in the folder, and its manifest, which must name all of it. */
  const exported = async () => {
    await started("/export");
    const bucket = await runtime.bucket("STORE");
    const keys = (await bucket.list({ prefix: "exports/" })).objects.map(({ key }) => key);
    const manifest = JSON.parse(await (await bucket.get(`${FOLDER}manifest.json`)).text());
    const files = manifest.cuboids.flatMap((cuboid) => cuboid.files);
    assert.deepEqual(keys.toSorted(), [...files.map(({ key }) => key), `${FOLDER}manifest.json`].toSorted());
    return { manifest, files, bytes: async (key) => Buffer.from(await (await bucket.get(key)).arrayBuffer()) };
  };

  before(async () => {
    runtime = await newRuntime();
    await runtime.start();
    admin = new Api(runtime.url, runtime.adminToken);
    sender = new Api(runtime.url, runtime.writeKey);
    await sender.collect(EVENTS);
    await nightly(admin, null, RUN_MS);
    assert.equal((await admin.put(at(""), DEFINITION)).status, 200);
    await started("/build");
  });
  after(() => runtime?.stop());

  test("the manifest says which files there are, and what is in them", async () => {
    const { manifest, files, bytes } = await exported();
    const { parts } = (await admin.get(at(""))).json;
    assert.deepEqual([manifest.format, manifest.scope, manifest.cube, manifest.grain, manifest.tz], [1, SCOPE, "daily", "day", "UTC"]);
    assert.deepEqual(manifest.cuboids.map(({ dimensions }) => dimensions), [["campaign", "country"], ["campaign"], []]);
    assert.deepEqual(manifest.cuboids[1].columns.slice(0, 3), [{ name: "unit_start", type: "timestamp_ms" }, { name: "campaign", type: "text" }, { name: "impressions", type: "int64" }]);
    const days = parts.filter(({ from, to, key }) => key && Date.parse(to) - Date.parse(from) === 86_400_000);
    assert.equal(files.length, days.length);
    assert.equal(manifest.rows, days.reduce((sum, { cells }) => sum + cells, 0));
    assert.equal(manifest.bytes, files.reduce((sum, file) => sum + file.bytes, 0));
    for (const file of files) {
      const content = await bytes(file.key);
      assert.equal(createHash("sha256").update(content).digest("hex"), file.sha256, file.key);
      assert.equal(content.length, file.bytes);
    }
  });

  test("DuckDB reads what SQL answers", { skip: existsSync(PYTHON) ? false : `there is no ${PYTHON}: cargo xtask bench --peers makes it` }, async () => {
    const { manifest, bytes } = await exported();
    const folder = await mkdtemp(join(tmpdir(), "adtally-exports-"));
    try {
      const told = [];
      for (const { dimensions, files } of manifest.cuboids) {
        const paths = [];
        for (const { key } of files) {
          paths.push(join(folder, `${told.length}-${paths.length}.parquet`));
          await writeFile(paths.at(-1), await bytes(key));
        }
        told.push([dimensions, paths]);
      }
      await writeFile(join(folder, "told.json"), JSON.stringify(told));
      const read = JSON.parse(execFileSync(PYTHON, ["-c", READ, join(folder, "told.json")], { encoding: "utf8" }));
      for (const [place, [dimensions]] of told.entries()) {
        const keys = dimensions.map((name) => `${name}, `).join("");
        const sql = `SELECT ${keys}day, SUM(impressions), SUM(clicks), SUM(cost_micros), COUNT(DISTINCT user_key) FROM ad_stats GROUP BY ${keys}day`;
        const answer = await admin.request("POST", "/v1/sql", { params: { scope: SCOPE }, body: { sql, tz: "UTC" } });
        assert.equal(answer.status, 200, answer.text);
        // What is unknown is nothing in a file, and an empty text in a statement.
        const normal = (rows) => rows.map((row) => JSON.stringify(row)).toSorted();
        const expected = answer.json.rows.map((row) => row.map((cell, i) => (i < dimensions.length ? cell || null : i === dimensions.length ? Date.parse(cell) : cell)));
        assert.deepEqual(normal(read[place]), normal(expected), dimensions.join());
        assert.ok(expected.length > 1);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("a day that changes is another file, and the one before goes", async () => {
    const before = await exported();
    const late = { id: "late", kind: "impression", advertiser: "acme", campaign: "acme-0", ad: "ad1", country: "KR", user: "v", at: Date.UTC(2026, 2, 7, 3) };
    await sender.collect([late]);
    await nightly(admin, null, RUN_MS);
    await eventually(async () => assert.equal((await admin.get(at(""))).json.stale_days, 0), RUN_MS);
    const now = await exported();
    const gone = before.files.filter(({ key }) => !now.files.some((file) => file.key === key));
    assert.deepEqual([...new Set(gone.map(({ day }) => day))], ["2026-03-07"]);
    assert.equal(gone.length, 3);
    assert.ok(now.manifest.generation > before.manifest.generation);
  });

  test("a cube takes its export with it", async () => {
    assert.equal((await admin.delete(at(""))).status, 204);
    const bucket = await runtime.bucket("STORE");
    assert.deepEqual((await bucket.list({ prefix: "exports/" })).objects, []);
  });
});
