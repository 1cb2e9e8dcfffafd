// Errors of ours as somebody sees them who watches over the system: envelopes, read by Sentry's own relay.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { Api, eventually } from "./api.mjs";
import { client } from "./clients.mjs";
import { ended, newRuntime, start } from "./nightly.mjs";

const KEY = "5e1f0c0ffee";
const PATIENCE_MS = 15_000;

/** Takes envelopes, and plays a receiver of webhooks that wants none. */
class Receiver {
  envelopes = [];
  /** What envelopes are answered with. */
  status = 200;
  #server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    if (request.url !== "/api/7/envelope/") return response.writeHead(410).end("ask kim.minji@example.com at 10.1.2.3");
    this.envelopes.push({ headers: request.headers, body });
    response.writeHead(this.status, this.status === 429 ? { "retry-after": "3600" } : {}).end("{}");
  });

  async start() {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this.#server.address().port;
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** The events of envelopes that are well-formed. */
  events() {
    return this.envelopes.map(({ headers, body }) => {
      assert.equal(headers["content-type"], "application/x-sentry-envelope");
      assert.match(headers["x-sentry-auth"], new RegExp(`^Sentry sentry_version=7, sentry_client=adtally/[\\d.]+, sentry_key=${KEY}$`));
      const [header, item, payload] = body.toString().split("\n");
      const { type, length } = JSON.parse(item);
      assert.deepEqual([type, length], ["event", Buffer.byteLength(payload)]);
      const event = JSON.parse(payload);
      assert.equal(JSON.parse(header).event_id, event.event_id);
      return event;
    });
  }
}

/** What Sentry's relay makes of events. */
async function relayed(python, events) {
  const relay = spawn(python, [fileURLToPath(new URL("sentry.py", import.meta.url))], { stdio: ["pipe", "pipe", "inherit"] });
  let output = "";
  relay.stdout.on("data", (data) => (output += data));
  relay.stdin.end(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  const [code] = await once(relay, "close");
  assert.equal(code, 0);
  return output.trim().split("\n").map((line) => JSON.parse(line));
}

describe("errors of ours", { timeout: 120_000 }, () => {
  const receiver = new Receiver();
  let runtime, admin, port;

  before(async () => {
    port = await receiver.start();
    const vars = { SENTRY_DSN: `http://${KEY}@127.0.0.1:${port}/7`, ENVIRONMENT: "staging", PRIVATE_WEBHOOKS: "allowed" };
    runtime = await newRuntime({ vars });
    await runtime.start();
    admin = new Api(runtime.url, runtime.adminToken);
  });
  after(async () => {
    await runtime?.stop();
    receiver.stop();
  });

  const about = async (words) => {
    let found;
    await eventually(() => {
      found = receiver.events().find(({ message }) => words.test(message.formatted));
      assert.ok(found, `nothing about ${words} in ${JSON.stringify(receiver.events().map(({ message }) => message.formatted))}`);
    }, PATIENCE_MS);
    return found;
  };

  test("a caller's mistake is none", async () => {
    for (const path of ["/v1/reports?metrics=nonsense", "/v1/nothing", "/v1/jobs/none-1"]) assert.ok((await admin.get(path)).status >= 400);
    assert.equal((await admin.as("wrong").get("/v1/reports")).status, 401);
    assert.deepEqual(receiver.envelopes, []);
  });

  test("a run that fails is told with its cause, and without persons", async () => {
    const task = { id: "tell", kind: "webhook", params: { url: `http://127.0.0.1:${port}/hook?user=a%40b.example` } };
    assert.equal((await admin.put("/v1/jobs/definitions/doomed", { tasks: [task] })).status, 200);
    const run = await start(admin, { job: "doomed" });
    assert.equal((await ended(admin, run)).state, "failed");
    const event = await about(/^run doomed-1 failed: tell failed: /);
    assert.match(event.message.formatted, /answered 410: ask \[mail\] at \[address\]/);
    assert.deepEqual([event.environment, event.release, event.level, event.logger], ["staging", "adtally@0.1.0", "error", "objects::jobs"]);
  });

  test("a request that a broken part fails is told by its id, once a minute", async () => {
    const database = await runtime.database("CATALOG");
    await database.exec("ALTER TABLE campaigns RENAME TO campaigns_elsewhere");
    const answers = [];
    for (let i = 0; i < 5; i += 1) answers.push(await admin.get("/v1/campaigns"));
    await database.exec("ALTER TABLE campaigns_elsewhere RENAME TO campaigns");
    assert.deepEqual(answers.map(({ status }) => status), [503, 503, 503, 503, 503]);
    const event = await about(/unavailable: catalog/);
    assert.equal(event.tags.request, answers[0].headers.get("x-request-id"));
    assert.equal(receiver.events().filter(({ message }) => /unavailable: catalog/.test(message.formatted)).length, 1);
  });

  test("Sentry's relay finds no fault with them, and nobody's data in them", async (context) => {
    const { missing, python } = client("sentry");
    if (missing) return context.skip(missing);
    assert.ok(receiver.envelopes.length >= 2);
    const doctored = { ...receiver.events()[0], level: "terrible", message: { formatted: "of kim.minji@example.com" } };
    const [wrong, ...ours] = await relayed(python, [doctored, ...receiver.events()]);
    assert.deepEqual([wrong.errors.length, wrong.is_clean], [1, false], "this relay would find nothing");
    for (const { errors, meta, is_clean, event } of ours) {
      assert.deepEqual([errors, meta, is_clean], [[], null, true], JSON.stringify(event));
    }
  });

  test("who asks for silence gets it", async () => {
    receiver.status = 429;
    const fail = async (name) => {
      const task = { id: name, kind: "webhook", params: { url: `http://127.0.0.1:${port}/hook` } };
      assert.equal((await admin.put(`/v1/jobs/definitions/${name}`, { tasks: [task] })).status, 200);
      await ended(admin, await start(admin, { job: name }));
    };
    await fail("loud");
    await about(/run loud/);
    const before = receiver.envelopes.length;
    await fail("quiet");
    await admin.get("/v1/jobs");
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    assert.equal(receiver.envelopes.length, before);
  });
});
