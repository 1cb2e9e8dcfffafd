// Robots and data centres: the lists that operators keep, and whom they are asked about.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { isProblem } from "./api.mjs";
import { useServer } from "./server.mjs";

const server = useServer();
const LISTS = ["bots", "datacenters"];
const plain = { "content-type": "text/plain" };

const putList = (api, list, text) => api.request("PUT", `/v1/lists/${list}`, { body: text, headers: plain });

let events = 0;
const impression = (more) => ({ id: `i${events++}`, kind: "impression", advertiser: "acme", ad: "a1", ...more });

/** Sends an event as a person's browser does: no headers of its own, the key in the address. */
async function beacon(event, userAgent = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)") {
  const headers = { ...plain, "user-agent": userAgent };
  const answer = await server.sender.as(undefined).request("POST", "/v1/events", {
    params: { key: server.writeKey },
    body: JSON.stringify(event),
    headers,
  });
  assert.deepEqual([answer.status, answer.json?.accepted], [202, 1], answer.text);
  return verdict(event.id);
}

/** Sends an event as a server does. */
async function post(event) {
  const answer = await server.sender.request("POST", "/v1/events", { body: event, headers: { "user-agent": "curl/8.5.0" } });
  assert.deepEqual([answer.status, answer.json?.accepted], [202, 1], answer.text);
  return verdict(event.id);
}

/** Why the event is invalid, and its country. */
async function verdict(id) {
  const answer = await server.admin.get(`/v1/events/${id}`, { advertiser: "acme", kind: "impression" });
  assert.equal(answer.status, 200, answer.text);
  const { screening, country } = answer.json.event;
  return { screening, country };
}

describe("the lists", () => {
  test("are built-in ones until an operator changes them", async () => {
    for (const [list, entry] of [["bots", /^googlebot$/m], ["datacenters", /^AS16509$/m]]) {
      const answer = await server.admin.get(`/v1/lists/${list}`);
      assert.equal(answer.status, 200, answer.text);
      assert.match(answer.headers.get("content-type"), /^text\/plain/);
      assert.equal(answer.headers.get("etag"), '"0"');
      assert.match(answer.text, entry);
    }
    isProblem(await server.admin.get("/v1/lists/people"), 404, "not_found");
  });

  test("are the business of the platform's admins alone", async () => {
    const tokens = {};
    for (const [role, scope] of [["analyst", "platform"], ["admin", "advertiser:acme"], ["write", "advertiser:acme"]]) {
      const made = await server.admin.post("/v1/tokens", { name: "t", role, scope });
      assert.equal(made.status, 201, made.text);
      tokens[`${role} of ${scope}`] = made.json.token;
    }
    tokens["platform's write key"] = server.writeKey;
    for (const list of LISTS) {
      for (const [who, token] of Object.entries(tokens)) {
        const api = server.admin.as(token);
        for (const answer of [await api.get(`/v1/lists/${list}`), await putList(api, list, "bot"), await api.delete(`/v1/lists/${list}`)]) {
          assert.equal(answer.status, 403, `${who}: ${answer.text}`);
        }
      }
      const nobody = server.admin.as(undefined);
      isProblem(await nobody.get(`/v1/lists/${list}`), 401, "unauthorized");
      isProblem(await putList(nobody, list, "bot"), 401, "unauthorized");
      isProblem(await nobody.delete(`/v1/lists/${list}`), 401, "unauthorized");
      assert.equal((await server.admin.get(`/v1/lists/${list}`)).headers.get("etag"), '"0"');
    }
  });

  test("are refused where a line is no entry, and stay as they were", async () => {
    const short = await putList(server.admin, "bots", "# mine\ngood/\nx\n");
    isProblem(short, 422, "invalid_list");
    assert.match(short.json.detail, /^line 3: "x" is shorter/);
    const range = await putList(server.admin, "datacenters", "AS64500\n203.0.113.1/24\n203.0.113/24\n");
    isProblem(range, 422, "invalid_list");
    assert.match(range.json.detail, /^line 2: .*; line 3: /);
    isProblem(await putList(server.admin, "bots", "\n# nothing\n"), 422, "invalid_list");
    isProblem(await putList(server.admin, "bots", new Uint8Array([0x61, 0x0a, 0xff, 0x61, 0x61])), 422, "invalid_list");
    isProblem(await putList(server.admin, "bots", "abc\n".repeat(10_001)), 422, "invalid_list");
    isProblem(await putList(server.admin, "bots", " ".repeat(600_000)), 413, "body_too_large");
    assert.equal((await server.admin.get("/v1/lists/bots")).headers.get("etag"), '"0"');
  });

  test("replace the built-in ones, include them, and give way to them again", async () => {
    const own = "# of today\nStrange-Agent/ # seen yesterday\n";
    const written = await putList(server.admin, "bots", own);
    assert.deepEqual([written.status, written.json], [200, { list: "bots", revision: 1, entries: 1 }], written.text);
    const read = await server.admin.get("/v1/lists/bots");
    assert.deepEqual([read.text, read.headers.get("etag")], [own, '"1"']);
    assert.equal((await post(impression({ user_agent: "strange-agent/1" }))).screening, "bot");
    assert.equal((await post(impression({ user_agent: "curl/8" }))).screening, undefined);

    const both = await putList(server.admin, "bots", `@default\n${own}`);
    assert.equal(both.json.revision, 2);
    assert.equal((await post(impression({ user_agent: "strange-agent/1" }))).screening, "bot");
    assert.equal((await post(impression({ user_agent: "curl/8" }))).screening, "bot");

    assert.equal((await server.admin.delete("/v1/lists/bots")).status, 204);
    const restored = await server.admin.get("/v1/lists/bots");
    assert.match(restored.text, /^googlebot$/m);
    assert.equal(restored.headers.get("etag"), '"3"');
    assert.equal((await post(impression({ user_agent: "strange-agent/1" }))).screening, undefined);
    assert.equal((await post(impression({ user_agent: "curl/8" }))).screening, "bot");
  });
});

describe("invalid traffic", () => {
  test("a server's event is judged by what it says, not by who sends it", async () => {
    assert.equal((await post(impression({}))).screening, undefined, "the sender is curl");
    assert.equal((await post(impression({ ip: "198.51.100.9" }))).screening, undefined);
    assert.equal((await putList(server.admin, "datacenters", "198.51.100.0/24\n")).status, 200);
    assert.equal((await post(impression({ ip: "198.51.100.9" }))).screening, "datacenter");
    assert.equal((await post(impression({ ip: "198.51.101.9" }))).screening, undefined);
    assert.equal((await post(impression({ ip: "198.51.100.9", user_agent: "curl/8" }))).screening, "bot");
    assert.equal((await server.admin.delete("/v1/lists/datacenters")).status, 204);
  });

  test("a browser's event is judged by its request where it says nothing itself", async () => {
    const person = await beacon(impression({}));
    assert.equal(person.screening, undefined);
    assert.equal((await beacon(impression({}), "curl/8.5.0")).screening, "bot");
    assert.equal((await beacon(impression({ user_agent: "Mozilla/5.0 (Windows NT 10.0)" }), "curl/8.5.0")).screening, undefined);
    assert.equal((await beacon(impression({ country: "KR" }))).country, "KR");
    // What the runtime says of requests on this machine.
    const cf = { asn: 395747, country: "US" };
    assert.equal(person.country, cf.country);
    assert.equal((await putList(server.admin, "datacenters", `AS${cf.asn}\n`)).status, 200);
    assert.equal((await beacon(impression({}))).screening, "datacenter");
    assert.equal((await post(impression({}))).screening, undefined, "a server may stand in a data centre");
    assert.equal((await server.admin.delete("/v1/lists/datacenters")).status, 204);
    assert.equal((await beacon(impression({}))).screening, undefined);
  });

  test("is counted apart, by reason", async () => {
    const advertiser = "counted";
    const events = [{}, { user_agent: "curl/8" }, { user_agent: "Googlebot/2.1" }].map((more, i) => impression({ id: `n${i}`, advertiser, ...more }));
    await server.sender.collect(events);
    const deadline = Date.now() + 10_000;
    let totals;
    do {
      totals = await server.admin.totals({ scope: `advertiser:${advertiser}`, metrics: "impressions,invalid_impressions,bot_impressions,gross_impressions" });
    } while (totals.gross_impressions !== 3 && Date.now() < deadline);
    assert.deepEqual(totals, { impressions: 1, invalid_impressions: 2, bot_impressions: 2, gross_impressions: 3 });
  });
});
