// Publishing, as far as that goes without an account.

import assert from "node:assert/strict";
import { test } from "node:test";

import { run } from "./clients.mjs";
import { ROOT, program } from "./server.mjs";

/** What the platform takes, packed. */
const MAX_BYTES = 10_000_000;

test("a dry run bundles what was built, and it is small enough", { timeout: 120_000 }, async () => {
  const env = { ...process.env, ADTALLY_ALREADY_BUILT: "1" };
  const { stdout } = await run(program("xtask", "ADTALLY_XTASK"), ["deploy", "--dry-run"], { cwd: ROOT, env });
  const bytes = Number(/^deploy: (\d+) bytes packed/m.exec(stdout)?.[1]);
  assert.ok(bytes > 100_000 && bytes < MAX_BYTES, stdout);
});
