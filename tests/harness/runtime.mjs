// The built worker in workerd itself, without the proxies of the development server, for measuring.
//
// Bindings come from wrangler.toml. One socket leads straight to the worker, another to a probe that calls single
// objects, as their own worker does: to ask what their isolate has used.

import { readFileSync, readdirSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const require = createRequire(import.meta.url);

/** Clock ticks of /proc, which Linux fixes for programs at a hundred a second. */
const TICKS_PER_SECOND = 100;

/** Hands a request on to the object that its path names: `/LINKER/acme/0/usage` to `acme/0`. */
const PROBE = `export default {
  async fetch(request, env) {
    const [binding, name, path] = new URL(request.url).searchParams.getAll("of");
    const { method } = request;
    const body = method === "POST" ? await request.arrayBuffer() : undefined;
    return env[binding].getByName(name).fetch("https://object" + path, { method, body });
  },
};`;

/** The worker with a clock that is ahead of all others. */
const AHEAD = (main, ms) => `
const Real = Date;
globalThis.Date = class extends Real {
  constructor(...parts) { parts.length ? super(...parts) : super(Real.now() + ${ms}); }
  static now() { return Real.now() + ${ms}; }
};
export * from "./${main}";
export { default } from "./${main}";`;

/** Makes whoever does tasks of jobs wait before the end of each is told. */
const SLOW_TASKS = (ms) => `
const slowed = (env) => new Proxy(env, { get: (of, name) => (name === "JOBS" ? slowNamespace(of[name]) : of[name]) });
const through = (of, name) => (typeof of[name] === "function" && name !== "constructor" ? of[name].bind(of) : of[name]);
const slowNamespace = (jobs) => new Proxy(jobs, {
  get: (of, name) => (name === "getByName" ? (...args) => slowStub(of.getByName(...args)) : through(of, name)),
});
const slowStub = (stub) => new Proxy(stub, {
  get: (of, name) => (name === "fetch" ? slowFetch.bind(undefined, of) : through(of, name)),
});
const slowFetch = async (of, request, ...rest) => {
  if (new URL(request.url ?? request).pathname === "/finish") await new Promise((resolve) => setTimeout(resolve, ${ms}));
  return of.fetch(request, ...rest);
};
`;

/** The one place of the built worker where batches of messages come in. */
const QUEUE = /(\.prototype\.queue=function\((\w+)\)\{return \w+\.call\(this,\2,)this\.env,/;

/** Answers for the dashboard's files, which nobody measures. */
const ASSETS = `export default { fetch: () => new Response("no page here", { status: 404 }) };`;

export class Runtime {
  adminToken = randomBytes(24).toString("base64url");
  writeKey = randomBytes(24).toString("base64url");
  #salt = randomBytes(24).toString("base64url");
  /** How far the worker's clock is ahead, from the next start on. */
  aheadMs = 0;
  #ports;
  #folder;
  #miniflare;
  #slowTasksMs;
  #vars;
  /** How many migrations the catalog has had. */
  #migrated = 0;

  /**
   * `ports` on which nobody listens: for the worker, for the probe, and for the proxy that is not used.
   *
   * With `slowTasksMs` the end of each task of a job is told that much later: time to kill it. `vars` are variables of the
   * worker besides those of wrangler.toml. `from` is what an earlier runtime left, as `leave` answered it.
   */
  constructor([worker, probe, entry], { slowTasksMs, vars = {}, from } = {}) {
    this.#ports = { worker, probe, entry };
    this.#slowTasksMs = slowTasksMs;
    this.#vars = vars;
    if (!from) return;
    this.adminToken = from.adminToken;
    this.writeKey = from.writeKey;
    this.#salt = from.salt;
    this.#folder = from.folder;
    this.#migrated = from.migrated;
  }

  /** Changes variables, from the next start on. */
  setVars(vars) {
    Object.assign(this.#vars, vars);
  }

  get port() {
    return this.#ports.worker;
  }

  get url() {
    return `http://127.0.0.1:${this.#ports.worker}`;
  }

  /** Starts on what it stored before, or on nothing. */
  async start() {
    // Not at the top: not every machine that runs the tests has them installed already.
    const { Miniflare, convertV4MiniflareOptions, Log, LogLevel } = require("miniflare");
    this.#folder ??= await mkdtemp(join(process.env.ADTALLY_BENCH_STATE ?? tmpdir(), "adtally-bench-"));
    const options = convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: this.#ports.entry,
      log: new Log(LogLevel.ERROR),
      cf: false,
      workers: this.#workers(),
    });
    this.#miniflare = new Miniflare({ ...options, resourcePersistencePath: this.#folder });
    await this.#miniflare.ready;
    await this.#migrate();
    const answer = await fetch(`${this.url}/healthz`);
    if (answer.status !== 200) throw new Error(`the worker is not healthy: ${answer.status} ${await answer.text()}`);
  }

  #workers() {
    process.env.WRANGLER_LOG ??= "error";
    const { unstable_getMiniflareWorkerOptions } = require("wrangler");
    const { workerOptions, main } = unstable_getMiniflareWorkerOptions(join(ROOT, "wrangler.toml"));
    const { assets, modulesRules, ...rest } = workerOptions;
    const folder = dirname(main);
    const modules = [
      { type: "ESModule", path: main, ...this.#slowed(main) },
      { type: "CompiledWasm", path: join(folder, "index_bg.wasm") },
    ];
    if (this.aheadMs > 0) modules.unshift({ type: "ESModule", path: join(folder, "ahead.mjs"), contents: AHEAD(basename(main), this.aheadMs) });
    const { durableObjects } = workerOptions;
    const elsewhere = Object.entries(durableObjects).map(([binding, object]) => [binding, { ...object, scriptName: "adtally" }]);
    const script = (name, source) => ({ name, modules: [{ type: "ESModule", path: `${name}.mjs`, contents: source }], compatibilityDate: rest.compatibilityDate });
    return [
      {
        ...rest,
        name: "adtally",
        modules,
        modulesRoot: folder,
        bindings: { ...rest.bindings, ...this.#vars, ADMIN_TOKEN: this.adminToken, WRITE_KEY: this.writeKey, ID_SALT: this.#salt },
        serviceBindings: { ...rest.serviceBindings, [assets.binding]: "pages" },
        unsafeDirectSockets: [{ host: "127.0.0.1", port: this.#ports.worker }],
      },
      {
        ...script("probe", PROBE),
        durableObjects: Object.fromEntries(elsewhere),
        unsafeDirectSockets: [{ host: "127.0.0.1", port: this.#ports.probe }],
      },
      script("pages", ASSETS),
    ];
  }

  /** The worker's own script, changed where tasks are to be slow. */
  #slowed(main) {
    if (this.#slowTasksMs === undefined) return {};
    const text = readFileSync(main, "utf8");
    if (!QUEUE.test(text)) throw new Error("the worker takes messages in another way than expected");
    return { contents: text.replace(QUEUE, "$1slowed(this.env),") + SLOW_TASKS(this.#slowTasksMs) };
  }

  async #migrate() {
    const { unstable_splitSqlQuery } = require("wrangler");
    const database = await this.database("CATALOG");
    const folder = join(ROOT, "worker", "migrations");
    const names = readdirSync(folder).sort();
    for (const name of names.slice(this.#migrated)) {
      const statements = unstable_splitSqlQuery(readFileSync(join(folder, name), "utf8"));
      await database.batch(statements.map((statement) => database.prepare(statement)));
    }
    this.#migrated = names.length;
  }

  /** Puts a message into a queue, past the worker. */
  async enqueue(binding, body, options) {
    const producer = await this.#miniflare.getQueueProducer(binding, "adtally");
    await producer.send(body, options);
  }

  /** Calls an object as the worker does; with a body it is a POST. */
  async call(binding, name, path, body) {
    const of = [binding, name, path].map((part) => `of=${encodeURIComponent(part)}`);
    const method = body === undefined ? "GET" : "POST";
    return fetch(`http://127.0.0.1:${this.#ports.probe}/?${of.join("&")}`, { method, body });
  }

  /** A D1 database of the worker. */
  async database(binding) {
    return this.#miniflare.getD1Database(binding, "adtally");
  }

  /** A bucket of the worker. */
  async bucket(binding) {
    return this.#miniflare.getR2Bucket(binding, "adtally");
  }

  /** What the isolate of an object has used: rows, calls, memory. */
  async usage(advertiser) {
    const answer = await this.call("LINKER", `${advertiser}/0`, "/usage");
    if (answer.status !== 200) throw new Error(`no usage of ${advertiser}: ${answer.status} ${await answer.text()}`);
    return { ...(await answer.json()), cpu_s: this.cpuSeconds() };
  }

  /** Time of the processor that workerd has used. */
  cpuSeconds() {
    const [user, system] = this.#stat(this.#pid()).slice(11, 13).map(Number);
    return (user + system) / TICKS_PER_SECOND;
  }

  /** Bytes of workerd that are in memory. */
  residentBytes() {
    return Number(this.#stat(this.#pid())[21]) * 4096;
  }

  /** The columns of /proc after the command's name. */
  #stat(pid) {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  }

  #pid() {
    const isOurs = (pid) => {
      try {
        return Number(this.#stat(pid)[1]) === process.pid && basename(readFileSync(`/proc/${pid}/comm`, "utf8").trim()) === "workerd";
      } catch {
        return false;
      }
    };
    const found = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isOurs(name));
    if (found.length !== 1) throw new Error(`${found.length} processes of workerd instead of one`);
    return found[0];
  }

  /** Ends workerd as a power cut would, and starts it again on what it had stored. */
  async restart() {
    process.kill(Number(this.#pid()), "SIGKILL");
    await this.#miniflare.dispose().catch(() => {});
    await this.start();
  }

  /** Ends it as a power cut would, and leaves what is stored to whoever starts another on it. */
  async leave() {
    process.kill(Number(this.#pid()), "SIGKILL");
    await this.#miniflare.dispose().catch(() => {});
    this.#miniflare = undefined;
    const { adminToken, writeKey } = this;
    return { adminToken, writeKey, salt: this.#salt, folder: this.#folder, migrated: this.#migrated };
  }

  async stop() {
    await this.#miniflare?.dispose();
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true });
  }
}
