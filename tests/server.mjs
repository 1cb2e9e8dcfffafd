// The real worker in the real edge runtime, for one test file.
//
// Every server has a state folder, ports and secrets of its own, so test files cannot see each other.
// It runs in a session of its own under a leash: whatever ends the test process, also `kill -9`, ends the server too.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, openSync, closeSync, readFileSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { Api } from "./api.mjs";

/** The checkout. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Enough for a cold start beside a busy compiler. */
const START_MS = 120_000;

/** How long a server may take to stop politely before it is killed. */
const STOP_MS = 10_000;

/**
 * Runs the command until it ends or stdin is closed, which the kernel does when the test process is gone.
 * `kill 0` reaches the whole process group, of which this shell is the leader.
 */
const LEASH = `
"$@" </dev/null &
server=$!
(while read -r _; do :; done; kill -TERM $server; sleep 5; kill -KILL 0) <&3 &
wait $server
status=$?
kill -KILL $!
exit $status`;

/** A worker with its own state; tests get one with {@link useServer}. */
class Server {
  adminToken = secret();
  writeKey = secret();
  #salt = secret();
  #state;
  #port;
  #leash;
  #exited;

  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The operator of the platform. */
  get admin() {
    return new Api(this.url, this.adminToken);
  }

  /** Who may send events of every advertiser. */
  get sender() {
    return new Api(this.url, this.writeKey);
  }

  /** Starts the worker, on the state and address that it had before, and waits until it answers. */
  async start() {
    this.#state ??= await mkdtemp(join(tmpdir(), "adtally-test-"));
    this.#port ??= await freePort();
    const log = openSync(this.#log, "a");
    const env = {
      ...process.env,
      PATH: join(ROOT, "node_modules", ".bin") + delimiter + process.env.PATH,
      ADMIN_TOKEN: this.adminToken,
      WRITE_KEY: this.writeKey,
      ID_SALT: this.#salt,
      // Not once more for every test file.
      ADTALLY_ALREADY_BUILT: "1",
    };
    const command = [program("xtask", "ADTALLY_XTASK"), "dev", "--no-demo", "--port", String(this.#port), "--state", join(this.#state, "data")];
    this.#leash = spawn("sh", ["-c", LEASH, "leash", ...command], {
      cwd: ROOT,
      env,
      detached: true,
      stdio: ["ignore", log, log, "pipe"],
    });
    closeSync(log);
    this.#exited = once(this.#leash, "exit");
    await this.#untilHealthy();
  }

  async #untilHealthy() {
    const end = Date.now() + START_MS;
    while (Date.now() < end) {
      if (this.#leash.exitCode !== null) break;
      try {
        const answer = await fetch(this.url + "/healthz", { signal: AbortSignal.timeout(2_000) });
        if (answer.status === 200) return;
      } catch {
        // Not listening yet.
      }
      await sleep(50);
    }
    await this.kill9();
    throw new Error(`the server did not start; its log ends with\n${this.logTail()}`);
  }

  get #log() {
    return join(this.#state, "server.log");
  }

  /** What the server printed last. */
  logTail(lines = 40) {
    return readFileSync(this.#log, "utf8").split("\n").slice(-lines).join("\n");
  }

  /** Ends every process of the server at once, as a power cut would. */
  async kill9() {
    const leash = this.#leash;
    if (!leash) return;
    this.#leash = undefined;
    // A process that forks while the list is read would be missed: look again until none is left.
    for (let pids = sessionOf(leash.pid); pids.length > 0; pids = sessionOf(leash.pid)) {
      for (const pid of pids) kill(pid, "SIGKILL");
      await sleep(5);
    }
    kill(-leash.pid, "SIGKILL");
    await this.#exited;
  }

  /** Starts again on the same state, address and secrets. */
  async restart() {
    await this.kill9();
    await this.start();
  }

  /** Stops the server and removes its state. */
  async stop() {
    const leash = this.#leash;
    if (leash) {
      leash.stdio[3].end();
      await Promise.race([this.#exited, sleep(STOP_MS, undefined, { ref: false })]);
      await this.kill9();
    }
    if (this.#state) await rm(this.#state, { recursive: true, force: true });
  }
}

/**
 * A server for the test file or suite that calls this: started before its first test, stopped after its last.
 *
 * `prepare` runs once it is up. It cannot be a `before` of its own: those of a file do not wait for each other.
 */
export function useServer(prepare = async () => {}) {
  const server = new Server();
  const start = async () => {
    await server.start();
    await prepare(server);
  };
  before(start, { timeout: START_MS + STOP_MS });
  after(() => server.stop(), { timeout: 2 * STOP_MS });
  return server;
}

function secret() {
  return randomBytes(24).toString("base64url");
}

/**
 * A program of this workspace, already built: where `cargo xtask test` says it is, or where cargo puts it.
 */
export function program(name, variable) {
  const path = process.env[variable] ?? join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "debug", name);
  if (!existsSync(path)) throw new Error(`${path} is missing: run \`cargo build\` and \`cargo xtask build\` first`);
  return path;
}

async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

function kill(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** Living processes of a session; where there is no /proc the process group has to do. */
function sessionOf(sid) {
  if (!existsSync("/proc/self/stat")) return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        // `pid (command) state ppid pgrp session …`; the command may contain anything, also ")".
        const [state, , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return Number(session) === sid && state !== "Z";
      } catch {
        return false;
      }
    });
}
