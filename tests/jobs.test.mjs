// Jobs: runs of tasks that depend on each other end right, whatever happens to those who work on them (JOB-1).

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { eventually, isProblem } from "./api.mjs";
import { useServer } from "./server.mjs";

/** Three tasks after each other take less than a second; the rest is for a busy machine. */
const SOON_MS = 20_000;
/** What was under way is missed and done again some seconds after a restart. */
const AFTER_KILL_MS = 60_000;

const server = useServer();
const ENDED = ["succeeded", "failed"];

const echo = (id, needs = [], params = {}) => ({ id, kind: "echo", needs, params });

async function define(name, body) {
  const answer = await server.admin.put(`/v1/jobs/definitions/${name}`, body);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

/** Starts a run and answers its name. */
async function start(job, body = {}) {
  const answer = await server.admin.post("/v1/jobs", { job, ...body });
  assert.equal(answer.status, 202, answer.text);
  return answer.json.run;
}

async function show(run) {
  const answer = await server.admin.get(`/v1/jobs/${run}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

async function ended(run, within = SOON_MS) {
  let found;
  await eventually(async () => {
    found = await show(run);
    assert.ok(ENDED.includes(found.state), JSON.stringify(found));
  }, within);
  return found;
}

const run = async (job, body) => ended(await start(job, body));
const states = ({ tasks }) => Object.fromEntries(tasks.map(({ id, state }) => [id, state]));
const task = async (run, id) => (await server.admin.get(`/v1/jobs/${run}/tasks/${id}`)).json;

describe("runs", () => {
  test("tasks run after what they need and after all that it spawned", async () => {
    const leaf = (id) => ({ id, params: { say: id } });
    await define("tree", {
      tasks: [
        echo("plan", [], { say: "{{day}}", spawn: [{ id: "a", params: { spawn: [leaf("a/1"), leaf("a/2")] } }, { id: "b", needs: ["a"] }] }),
        echo("finish", ["plan"], { results: "a" }),
      ],
    });
    const begun = Date.now();
    const found = await run("tree", { days: ["2026-03-01"] });
    assert.deepEqual([found.state, found.job, found.number, found.cancelled], ["succeeded", "tree", 1, false]);
    assert.deepEqual(states(found), { plan: "succeeded", finish: "succeeded", a: "succeeded", b: "succeeded", "a/1": "succeeded", "a/2": "succeeded" });
    const at = (id, what) => Date.parse(found.tasks.find((task) => task.id === id)[what]);
    for (const [first, second] of [["plan", "a"], ["a", "a/1"], ["a/1", "b"], ["a/2", "b"], ["b", "finish"]]) {
      assert.ok(at(first, "ended") <= at(second, "started"), `${first} before ${second}`);
    }
    assert.deepEqual(found.tasks.map(({ attempts, error }) => [attempts, error]), Array(6).fill([1, null]));
    assert.deepEqual(found.tasks.find(({ id }) => id === "a/1").spawned_by, "a");
    const { params, result, log } = await task(found.run, "plan");
    assert.deepEqual([params.say, result.said], ["2026-03-01", "2026-03-01"]);
    assert.match(log[0].text, /plan of run tree-1, number 1: 2026-03-01/);
    const all = (await task(found.run, "finish")).result.results;
    assert.deepEqual(all.map(([id, result]) => [id, JSON.parse(result).said]), [["a", ""], ["a/1", "a/1"], ["a/2", "a/2"]]);
    assert.equal((await task(found.run, "a%2F1")).id, "a/1");
    assert.ok(Date.now() - begun < SOON_MS);
  });
});
