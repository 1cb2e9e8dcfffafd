// Other people's programs, as `cargo xtask setup` keeps them in a cache outside of the checkout.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** Waits for a program and answers what it printed; one that fails throws. */
export const run = promisify(execFile);

const CACHE = process.env.ADTALLY_CLIENTS || join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "adtally", "clients");

/** The folder of a client, or why its tests are skipped. */
export function client(name) {
  const folder = join(CACHE, name);
  if (existsSync(join(folder, "adtally.packages"))) return { folder, python: join(folder, "bin", "python") };
  return { missing: `${name} is not installed in ${CACHE}: \`cargo xtask setup\` says why` };
}

/** Where programs of unpacked Debian packages look for their libraries, before the system's. */
export const libraries = (folder, ...more) =>
  ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib/aarch64-linux-gnu", ...more].map((path) => join(folder, path)).join(":");
