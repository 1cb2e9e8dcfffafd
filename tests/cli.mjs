// The command line tool `adtally`, run against a server of the tests.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before } from "node:test";

import { program } from "./server.mjs";

/** The tool for the test file that calls this, with checkpoints of its own. */
export function useCli(server) {
  const use = {};
  before(async () => {
    use.state = await mkdtemp(join(tmpdir(), "adtally-cli-"));
  });
  after(() => rm(use.state, { recursive: true, force: true }));
  const environment = () => ({
    ...process.env,
    ADTALLY_WRITE_KEY: server.writeKey,
    ADTALLY_ADMIN_TOKEN: server.adminToken,
  });
  return {
    /** A file in the tool's own folder. */
    file: (name) => join(use.state, name),

    /** Starts the tool; `ended` answers its status and output. It is killed when the test `t` ends. */
    start(t, ...args) {
      const child = spawn(program("adtally", "ADTALLY_CLI"), args, {
        env: environment(),
        stdio: ["ignore", "pipe", "pipe"],
        signal: t.signal,
        killSignal: "SIGKILL",
      });
      const ended = Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]).then(
        ([[code, signal], stdout, stderr]) => ({ status: signal ?? code, stdout, stderr }),
      );
      return { child, ended };
    },

    /** Starts a replay, which tells its summary as JSON. */
    replay(t, { files, map, ...options }) {
      const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
      // Not forever, should the test be gone.
      const limits = ["--state", use.state, "--give-up-after", "60", "--json"];
      return this.start(t, "replay", ...files, "--map", map, "--to", server.url, ...limits, ...flags);
    },
  };
}
