// Publishing, as far as that goes without an account.

import assert from "node:assert/strict";
import { test } from "node:test";

import { run } from "./clients.mjs";
import { ROOT, program } from "./server.mjs";

/** What the platform takes, packed. */
const MAX_BYTES = 10_000_000;

const deploy = (...options) =>
  run(program("xtask", "ADTALLY_XTASK"), ["deploy", "--dry-run", ...options], { cwd: ROOT, env: { ...process.env, ADTALLY_ALREADY_BUILT: "1" } });

for (const options of [[], ["--env", "staging"]]) {
  test(`a dry run ${options.join(" ")} bundles what was built, and it is small enough`, { timeout: 120_000 }, async () => {
    const { stdout } = await deploy(...options);
    const bytes = Number(/^deploy: (\d+) bytes packed/m.exec(stdout)?.[1]);
    assert.ok(bytes > 100_000 && bytes < MAX_BYTES, stdout);
  });
}

test("an environment that there is not is refused", async () => {
  await assert.rejects(deploy("--env", "nowhere"), /has no environment "nowhere"/);
});
