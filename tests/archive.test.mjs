// The archive: what was accepted lies in the bucket as Parquet, once, whatever was killed; other engines read it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { Api, eventually } from "./api.mjs";
import { newRuntime } from "./nightly.mjs";

/** Where `cargo xtask bench` installs the other engines. */
const PYTHON = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "adtally/bench/venv/bin/python");
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 2, 1);
const KILLS = 6;

/** Counts by day, kind and outcome, by an engine that knows nothing of us. */
const COUNT = {
  duckdb: `
import duckdb, json, sys
files = "read_parquet('" + sys.argv[1] + "/raw/**/*.parquet', hive_partitioning = true)"
rows = duckdb.sql("SELECT CAST(day AS VARCHAR), kind, outcome, count(*), count(DISTINCT id), count(DISTINCT user_hash) FROM " + files + " GROUP BY ALL ORDER BY ALL").fetchall()
wrong = duckdb.sql("SELECT count(*) FROM " + files + " WHERE CAST(event_time AS DATE) <> day OR advertiser <> 'acme/eu'").fetchall()[0][0]
types = dict(duckdb.sql("SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM " + files + ")").fetchall())
print(json.dumps({"rows": rows, "wrong": wrong, "types": [types[name] for name in ("event_time", "group_hash", "props", "cost_micros")]}))
`,
  polars: `
import json, polars as pl, sys
frame = pl.scan_parquet(sys.argv[1] + "/raw/**/*.parquet", hive_partitioning=True)
keys = [pl.col("day").cast(pl.String), "kind", "outcome"]
counts = frame.group_by(keys).agg(pl.len(), pl.col("id").n_unique(), pl.col("user_hash").drop_nulls().n_unique().alias("users")).sort("day", "kind", "outcome").collect()
wrong = frame.filter((pl.col("event_time").dt.date().cast(pl.String) != pl.col("day").cast(pl.String)) | (pl.col("advertiser") != "acme/eu")).collect().height
types = frame.collect_schema()
print(json.dumps({"rows": [list(row) for row in counts.rows()], "wrong": wrong, "types": [str(types[name]) for name in ("event_time", "group_hash", "props", "cost_micros")]}))
`,
};
const TYPES = {
  duckdb: ["TIMESTAMP WITH TIME ZONE", "UBIGINT", "VARCHAR", "BIGINT"],
  polars: ["Datetime(time_unit='ms', time_zone='UTC')", "UInt64", "String", "Int64"],
};

/** Asks a Linker for a cut; generation 0 only archives. A number below 128 is its own varint, behind the version. */
const cut = (runtime, source, generation) => runtime.call("LINKER", source, "/cut", Uint8Array.of(1, generation));

async function withRuntime(use) {
  const runtime = await newRuntime();
  await runtime.start();
  try {
    await use(runtime, new Api(runtime.url, runtime.writeKey), new Api(runtime.url, runtime.adminToken));
  } finally {
    await runtime.stop();
  }
}

/** Every key of the archive. */
async function keys(runtime) {
  const bucket = await runtime.bucket("STORE");
  const found = [];
  for (let cursor; ; ) {
    const page = await bucket.list({ prefix: "raw/", cursor });
    found.push(...page.objects.map(({ key }) => key));
    if (!page.truncated) return found;
    cursor = page.cursor;
  }
}

/** The archive as files in a folder of its own. */
async function withFolder(runtime, use) {
  const folder = await mkdtemp(join(tmpdir(), "adtally-archive-"));
  try {
    const bucket = await runtime.bucket("STORE");
    for (const key of await keys(runtime)) {
      const path = join(folder, key);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, Buffer.from(await (await bucket.get(key)).arrayBuffer()));
    }
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function ask(engine, folder) {
  const { status, stdout, stderr } = spawnSync(PYTHON, ["-c", COUNT[engine], folder], { encoding: "utf8", env: { ...process.env, TZ: "UTC" } });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

/** What was sent, counted as the engines count it. */
class Sent {
  #counts = new Map();

  add(at, kind, outcome, id, user) {
    const key = `${new Date(at).toISOString().slice(0, 10)} ${kind} ${outcome}`;
    const count = this.#counts.get(key) ?? { rows: 0, ids: new Set(), users: new Set() };
    count.rows++;
    count.ids.add(id);
    if (user !== undefined && outcome === "accepted") count.users.add(user);
    this.#counts.set(key, count);
  }

  get rows() {
    const rows = [...this.#counts].map(([key, { rows, ids, users }]) => [...key.split(" "), rows, ids.size, users.size]);
    return rows.sort((a, b) => (a.slice(0, 3).join(" ") < b.slice(0, 3).join(" ") ? -1 : 1));
  }
}

/** Events of some days, of which every seventh comes twice. */
function events(from, to, sent, advertiser = "acme/eu") {
  const made = [];
  for (let n = from; n < to; n++) {
    const kind = ["impression", "impression", "view", "click", "conversion"][n % 5];
    const at = START + ((n * 7) % 4) * DAY + ((n * 977) % DAY);
    const user = n % 9 === 0 ? undefined : `u${n % 101}`;
    const parent = kind === "impression" ? {} : { impression: `i${n - (n % 5)}` };
    const props = n % 3 === 0 ? { colour: "red \"é\"" } : {};
    const event = { kind, id: `${kind[0]}${n}`, at, advertiser, ad: "banner", service: "news", user, ...parent, props };
    made.push(event);
    sent.add(at, kind, "accepted", event.id, user);
    if (n % 7 === 0) {
      made.push(event);
      sent.add(at, kind, "repeat", event.id, user);
    }
  }
  return made;
}

test("other engines count exactly what was accepted, by day and kind", { skip: !existsSync(PYTHON) && "`cargo xtask bench` installs the other engines" }, async () => {
  await withRuntime(async (runtime, sender, admin) => {
    const sent = new Sent();
    for (let round = 0; round < 3; round++) {
      await sender.collect(events(round * 1_000, (round + 1) * 1_000, sent));
      // Asked again it changes nothing.
      for (const generation of [round, round]) assert.equal((await cut(runtime, "acme/eu/0", generation)).status, 200);
    }
    const stored = await keys(runtime);
    assert.equal(stored.length, 3 * 4, `a file a day and cut: ${stored}`);
    assert.match(stored[0], /^raw\/advertiser=acme%2Feu\/day=2026-03-01\/shard=0\/\d+-\d+\.parquet$/);
    await withFolder(runtime, (folder) => {
      for (const engine of Object.keys(COUNT)) {
        const { rows, wrong, types } = ask(engine, folder);
        assert.deepEqual(rows, sent.rows, engine);
        assert.deepEqual([wrong, types], [0, TYPES[engine]], engine);
      }
    });
    assert.equal((await cut(runtime, "acme/eu/0", 1)).status, 409, "a generation before the last");

    const listed = await admin.get("/v1/archive", { advertiser: "acme/eu" });
    assert.equal(listed.status, 200, listed.text);
    assert.deepEqual(listed.json.files.map(({ key }) => key), stored);
    assert.equal(listed.json.entries, sent.rows.reduce((sum, [, , , rows]) => sum + rows, 0));
    const some = await admin.get("/v1/archive", { advertiser: "acme/eu", from: "2026-03-02", to: "2026-03-03" });
    assert.deepEqual(new Set(some.json.files.map(({ day }) => day)), new Set(["2026-03-02"]));
    const [first] = listed.json.files;
    const download = (key, token = runtime.adminToken) =>
      fetch(`${runtime.url}/v1/archive/${key.split("/").map(encodeURIComponent).join("/")}`, { headers: { authorization: `Bearer ${token}` } });
    const bytes = Buffer.from(await (await download(first.key)).arrayBuffer());
    assert.deepEqual([bytes.length, createHash("sha256").update(bytes).digest("hex")], [first.bytes, first.sha256]);
    assert.deepEqual([(await download(`${first.key}x`)).status, (await download("batch/x")).status], [404, 404]);
    const { json } = await admin.post("/v1/tokens", { name: "other", role: "analyst", scope: "advertiser:other" });
    assert.deepEqual([(await download(first.key, json.token)).status, (await download(first.key, "no")).status], [403, 401]);
  });
});

test(`${KILLS} kills while the log is archived leave every row in one file`, async () => {
  await withRuntime(async (runtime, sender, admin) => {
    const sent = new Sent();
    const all = events(0, 60_000, sent);
    for (let n = 0; n < all.length; n += 6_000) await sender.collect(all.slice(n, n + 6_000));
    for (let kill = 0; kill < KILLS; kill++) {
      const answer = cut(runtime, "acme/eu/0", 1).catch(() => {});
      await sleep(20 + Math.random() * 250);
      await runtime.restart();
      await answer;
    }
    assert.equal((await cut(runtime, "acme/eu/0", 1)).status, 200);
    const ranges = new Map();
    for (const key of await keys(runtime)) {
      const [, day, from, to] = /day=([\d-]+)\/shard=0\/(\d+)-(\d+)\.parquet$/.exec(key);
      ranges.set(day, [...(ranges.get(day) ?? []), [Number(from), Number(to)]]);
    }
    for (const [day, spans] of ranges) {
      spans.sort(([a], [b]) => a - b);
      assert.ok(spans.length > 1, `${day} is in one file: the kills tested little`);
      spans.reduce((before, [from, to]) => (assert.equal(from, before + 1, `${day}: ${spans}`), to), 0);
    }
    if (existsSync(PYTHON)) await withFolder(runtime, (folder) => assert.deepEqual(ask("duckdb", folder).rows, sent.rows));
    await eventually(async () => {
      const metrics = "impressions,duplicates";
      const { impressions } = await admin.totals({ scope: "advertiser:acme/eu", metrics, from: "2026-03-01", to: "2026-03-05" });
      assert.equal(impressions, 24_000);
    });
  });
});
