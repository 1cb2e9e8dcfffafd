// Runs of jobs, and runtimes in which the batch counts a crowd again.

import assert from "node:assert/strict";

import { Api, eventually, mapConcurrently, untilAcknowledged } from "./api.mjs";
import { METRICS, RANGE } from "./crowd.mjs";
import { Runtime } from "./harness/runtime.mjs";
import { freePort } from "./server.mjs";

/** How long a run may take on a busy machine. */
export const RUN_MS = 240_000;
/** How long until real time has caught up there. */
export const CATCH_UP_MS = 20_000;

const BODY = 400;
const SENDERS = 4;

/** A runtime on ports of its own, to be started. */
export async function newRuntime(options) {
  return new Runtime([await freePort(), await freePort(), await freePort()], options);
}

/** A runtime for one test, in which the advertiser `sharded` has so many shards. */
export async function withRuntime(shards, use, options) {
  const runtime = await newRuntime(options);
  await runtime.start();
  try {
    const admin = new Api(runtime.url, runtime.adminToken);
    const sharded = await admin.put("/v1/advertisers/sharded", { name: "sharded", currency: "KRW", timezone: "UTC", shards });
    assert.ok(sharded.status < 300, sharded.text);
    await use(runtime, admin, new Api(runtime.url, runtime.writeKey));
  } finally {
    await runtime.stop();
  }
}

/** Sends events until they are acknowledged. */
export async function send(sender, events) {
  const bodies = Array.from({ length: Math.ceil(events.length / BODY) }, (_, i) => events.slice(i * BODY, (i + 1) * BODY));
  await mapConcurrently(bodies, SENDERS, (body) => untilAcknowledged(sender, body));
}

/** Starts a run and answers its name. */
export async function start(admin, body, path = "/v1/jobs") {
  const answer = await admin.post(path, body);
  assert.equal(answer.status, 202, answer.text);
  return answer.json.run;
}

/** Starts a batch, in which these days are linked again in any case. */
export const startBatch = (admin, days = null) => start(admin, { job: "batch", days });

/**
 * No job runs by itself any more. For a clock that is ahead: by it every schedule is due at once, and what such a run
 * loses in a kill is sent again by an alarm, which rings by the real clock.
 */
export async function onlyOnDemand(admin) {
  for (const job of ["batch", "backup"]) {
    const answer = await admin.put(`/v1/jobs/definitions/${job}`, { schedule: null });
    assert.ok(answer.status < 300, answer.text);
  }
}

/** The run when it has ended, well or not. */
export async function ended(admin, run, within = RUN_MS) {
  let state;
  await eventually(async () => {
    state = (await admin.get(`/v1/jobs/${run}`)).json;
    assert.ok(["succeeded", "failed"].includes(state?.state), `run ${run} is ${state?.state}: ${JSON.stringify(state?.tasks?.filter((task) => task.state !== "succeeded")).slice(0, 600)}`);
  }, within);
  return state;
}

/** The run when it has ended well. */
export async function succeeded(admin, run, within) {
  const state = await ended(admin, run, within);
  assert.equal(state.state, "succeeded", JSON.stringify(state.tasks.filter((task) => task.error)).slice(0, 2_000));
  return state;
}

/** A batch, from its start until it has ended well. */
export async function batch(admin, days, within) {
  return succeeded(admin, await startBatch(admin, days), within);
}

/** What the reports of advertisers say, as `recount` would. */
export async function counted(admin, advertisers, dimension, query = {}) {
  const found = new Map();
  for (const advertiser of advertisers) {
    const params = { scope: `advertiser:${advertiser}`, by: dimension, metrics: METRICS.join(), ...RANGE, ...query };
    for (const { [dimension]: value, ...sums } of await admin.rows(params)) {
      const place = dimension === "day" ? new Date(value).toISOString().slice(0, 10) : value;
      if (METRICS.some((metric) => sums[metric] !== 0)) found.set(`${advertiser} ${place}`, sums);
    }
  }
  return found;
}
