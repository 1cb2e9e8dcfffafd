// Backups: making them, keeping of a deployment what survives it, and restoring step by step, as an operator's command does.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { Api } from "./api.mjs";
import { newRuntime, start, succeeded } from "./nightly.mjs";

/** What a bucket keeps of a deployment that is lost. */
const SURVIVES = ["backups/", "raw/", "residue/"];

/** Makes a backup; its name. */
export async function backup(admin) {
  const run = await start(admin, undefined, "/v1/backups");
  await succeeded(admin, run);
  return complete(admin);
}

/** The name of the newest complete backup. */
export async function complete(admin) {
  const { json } = await admin.get("/v1/backups");
  return json.backups.find(({ complete }) => complete)?.id;
}

/** What is in the bucket of a runtime, apart from what nobody would keep: keys and bytes. */
export async function surviving(runtime) {
  const bucket = await runtime.bucket("STORE");
  const kept = new Map();
  for (const prefix of SURVIVES) {
    let cursor;
    do {
      const page = await bucket.list({ prefix, cursor });
      for (const { key } of page.objects) kept.set(key, new Uint8Array(await (await bucket.get(key)).arrayBuffer()));
      cursor = page.truncated ? page.cursor : undefined;
    } while (cursor);
  }
  return kept;
}

/** A runtime with nothing but these objects in its bucket, and the secrets of the one that is lost. */
export async function fresh(lost, kept, options = {}) {
  const { adminToken, writeKey, salt } = lost;
  const from = { adminToken, writeKey, salt, folder: undefined, migrated: 0 };
  const runtime = await newRuntime({ ...options, from });
  await runtime.start();
  await fill(runtime, kept);
  return runtime;
}

/** Puts objects into the bucket of a runtime. */
export async function fill(runtime, kept) {
  const bucket = await runtime.bucket("STORE");
  for (const [key, bytes] of kept) await bucket.put(key, bytes);
}

/** One step, until it is done; its last answer, or the first that is no success. */
export async function step(admin, id, body) {
  for (let page = body.page ?? 0, tries = 0; tries < 200; tries++) {
    const answer = await admin.post(`/v1/backups/${id}/restore`, { ...body, page });
    if (answer.status !== 200 || answer.json.done) return answer;
    page = answer.json.next ?? page;
    if (answer.json.count === 0) await sleep(50);
  }
  throw new Error(`${JSON.stringify(body)} does not come to an end`);
}

/** Every step of a restore, in order. */
export async function steps(admin, id) {
  const { json, text } = await admin.get(`/v1/backups/${id}`);
  assert.ok(json?.contents, text);
  const each = (name) => json.contents.map((_, part) => ({ step: name, part }));
  return [{ step: "check" }, ...each("begin"), ...each("load"), ...each("end"), { step: "finish" }];
}

/** Restores everything; the answers must all be good. */
export async function restore(admin, id) {
  for (const body of await steps(admin, id)) {
    const answer = await step(admin, id, body);
    assert.equal(answer.status, 200, `${JSON.stringify(body)}: ${answer.text}`);
  }
}

/** The operator of a runtime, and who sends events. */
export const people = (runtime) => ({ admin: new Api(runtime.url, runtime.adminToken), sender: new Api(runtime.url, runtime.writeKey) });
