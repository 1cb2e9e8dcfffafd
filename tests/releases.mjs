// What released versions stored: packed states of their runtimes, in `releases`, and how one is made.
//
// In the checkout of a release, its worker built: `node tests/releases.mjs state-3 --batch`; without the option, no batch
// runs. One is due whenever what is stored has changed (`MIGRATIONS` in worker/src/storage, worker/migrations, the versions
// of bytes in crates/wire) and the version is out.
//
// - `state-1`: logs, runs, reports and bills, before there were an archive and a batch;
// - `state-2`: all of it, and a generation published;
// - `state-3`: the same after five migrations of the catalog, with ledgers that know Kafka and backups.
//
// What was stored before `state-1` had other pseudonyms of users, and was never out.

import assert from "node:assert/strict";
import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Api, eventually } from "./api.mjs";
import { run } from "./clients.mjs";
import { crowd, recount } from "./crowd.mjs";
import { CATCH_UP_MS, batch, counted, newRuntime, send } from "./nightly.mjs";

const FOLDER = fileURLToPath(new URL("releases", import.meta.url));

/** Whose events there are. */
export const ADVERTISERS = ["acme", "globex"];
/** All events; a release has stored the first half. */
export const EVENTS = crowd(3_000, ADVERTISERS, 2036);
export const FIRST_HALF = EVENTS.slice(0, EVENTS.length / 2);

/** When all releases took their events: what is linked depends on it, and must not depend on when the tests run. */
const MADE = Date.UTC(2036, 0, 1);

/** A runtime at the time of the releases, or so much later. */
export async function runtimeOf(from, laterMs = 0) {
  const runtime = await newRuntime({ from });
  runtime.aheadMs = MADE + laterMs - Date.now();
  await runtime.start();
  return runtime;
}

/** The names of all releases that are kept. */
export const releases = async () => (await readdir(FOLDER)).filter((name) => name.endsWith(".tgz")).map((name) => name.slice(0, -4));

/** What a release left, unpacked. */
export async function unpacked(name) {
  const folder = mkdtempSync(join(tmpdir(), "adtally-release-"));
  await run("tar", ["-xzf", join(FOLDER, `${name}.tgz`), "-C", folder]);
  const about = JSON.parse(await readFile(join(folder, "release.json"), "utf8"));
  return { ...about, folder };
}

/** Makes a release's state with the worker of this checkout. */
async function make(name, hasBatch) {
  const runtime = await runtimeOf();
  const admin = new Api(runtime.url, runtime.adminToken);
  for (const key of ADVERTISERS) {
    const answer = await admin.put(`/v1/advertisers/${key}`, { name: key, currency: "KRW", timezone: "UTC" });
    assert.ok(answer.status < 300, answer.text);
  }
  await send(new Api(runtime.url, runtime.writeKey), FIRST_HALF);
  await eventually(async () => assert.deepEqual(await counted(admin, ADVERTISERS, "campaign"), recount(FIRST_HALF)), CATCH_UP_MS);
  if (hasBatch) await batch(admin);
  const { folder, ...about } = await runtime.leave();
  await writeFile(join(folder, "release.json"), JSON.stringify(about));
  await run("tar", ["-czf", join(FOLDER, `${name}.tgz`), "-C", folder, "."]);
  await rm(folder, { recursive: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await make(process.argv[2], process.argv[3] === "--batch");
