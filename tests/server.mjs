// The real worker in the real edge runtime, for one test file or suite.
//
// Every server has a state folder, ports and secrets of its own, so test files cannot see each other.

import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { cp, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { Api } from "./api.mjs";
import { Leashed } from "./leash.mjs";

/** The checkout. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");

/** Enough for a cold start beside a busy compiler. */
const START_MS = 120_000;

/** How long a server may take to stop politely before it is killed. */
const STOP_MS = 10_000;

/** A worker with its own state; tests get one with {@link useServer}. */
class Server {
  adminToken = secret();
  writeKey = secret();
  #salt = secret();
  #folder;
  #port;
  #process;

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

  /** Where all data are. */
  get state() {
    return join(this.#folder, "state");
  }

  get #log() {
    return join(this.#folder, "server.log");
  }

  /** Starts the worker, on the state and address that it had before, and waits until it answers. */
  async start() {
    this.#folder ??= await mkdtemp(join(tmpdir(), "adtally-test-"));
    this.#port ??= await freePort();
    const env = {
      ...process.env,
      PATH: join(ROOT, "node_modules", ".bin") + delimiter + process.env.PATH,
      ADMIN_TOKEN: this.adminToken,
      WRITE_KEY: this.writeKey,
      ID_SALT: this.#salt,
      // Not once more for every test file.
      ADTALLY_ALREADY_BUILT: "1",
    };
    const command = [program("xtask", "ADTALLY_XTASK"), "dev", "--no-demo", "--port", String(this.#port), "--state", this.state];
    this.#process = new Leashed(command, { cwd: ROOT, env, log: this.#log });
    await this.#untilHealthy();
  }

  async #untilHealthy() {
    const end = Date.now() + START_MS;
    while (Date.now() < end && !this.#process.hasEnded) {
      try {
        const answer = await fetch(`${this.url}/healthz`, { signal: AbortSignal.timeout(2_000) });
        if (answer.status === 200) return;
      } catch {
        // Not listening yet.
      }
      await sleep(50);
    }
    await this.#process.kill9();
    const tail = readFileSync(this.#log, "utf8").split("\n").slice(-40).join("\n");
    throw new Error(`the server did not start; its log ends with\n${tail}`);
  }

  /** Ends it as a power cut would, and starts it again on the same state, address and secrets. */
  async restart() {
    await this.#process.kill9();
    await this.start();
  }

  /** Begins with a copy of this state. */
  async startFrom(state) {
    this.#folder = await mkdtemp(join(tmpdir(), "adtally-test-"));
    await cp(state, this.state, { recursive: true });
    await this.start();
  }

  /** Stops the server; its state stays until {@link remove}. */
  async stop() {
    await this.#process?.end(STOP_MS);
  }

  async remove() {
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true });
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
    await server.startFrom(await emptyState());
    await prepare(server);
  };
  const end = async () => {
    await server.stop();
    await server.remove();
  };
  before(start, { timeout: 2 * START_MS });
  after(end, { timeout: 2 * STOP_MS });
  return server;
}

/** A state without data in which the catalog's tables exist: making them takes as long as all else of a start. */
async function emptyState() {
  const migrations = join(ROOT, "worker", "migrations");
  const digest = createHash("sha256");
  for (const name of readdirSync(migrations).sort()) digest.update(name).update(readFileSync(join(migrations, name)));
  const kept = join(TARGET, "e2e", `state-${digest.digest("hex").slice(0, 16)}`);
  if (existsSync(kept)) return kept;
  const first = new Server();
  await first.start();
  await first.stop();
  await mkdir(join(TARGET, "e2e"), { recursive: true });
  const copy = `${kept}.${process.pid}`;
  await cp(first.state, copy, { recursive: true });
  await first.remove();
  // Another test file may have been faster.
  await rename(copy, kept).catch(() => rm(copy, { recursive: true }));
  return kept;
}

function secret() {
  return randomBytes(24).toString("base64url");
}

/** A program of this workspace, already built: where `cargo xtask test` says it is, or where cargo puts it. */
export function program(name, variable) {
  const path = process.env[variable] ?? join(TARGET, "debug", name);
  if (!existsSync(path)) throw new Error(`${path} is missing: run \`cargo build\` and \`cargo xtask build\` first`);
  return path;
}

/**
 * A port on which nobody listens, below those that the kernel gives to outgoing connections: one of them could take it
 * while the server restarts, even one to this very port.
 */
export async function freePort() {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 15_000);
    const probe = createServer();
    const isFree = await new Promise((resolve) => {
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    probe.close();
    await once(probe, "close");
    return port;
  }
}
