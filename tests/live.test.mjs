// The live feed: browsers hear of new data as it arrives.

import assert from "node:assert/strict";
import { test } from "node:test";

import { eventually } from "./api.mjs";
import { useServer } from "./server.mjs";

const server = useServer();

const impression = (id, advertiser = "acme") => ({ id, kind: "impression", advertiser, ad: "banner", user: `u${id}` });

/** Opens the feed; messages gather in `messages`. */
async function listen({ token, cookie, scope }) {
  const url = new URL("/v1/live", server.url.replace("http", "ws"));
  if (scope) url.searchParams.set("scope", scope);
  const headers = { ...(token && { authorization: `Bearer ${token}` }), ...(cookie && { cookie }) };
  const socket = new WebSocket(url, { headers });
  const feed = { messages: [], close: () => socket.close() };
  socket.addEventListener("message", ({ data }) => feed.messages.push(JSON.parse(data)));
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", () => reject(new Error("refused")));
  });
  return feed;
}

const impressionsOf = ({ messages }) => messages.at(-1)?.totals.impressions ?? 0;

test("a message at once, and one after each change, with the totals of the scope", async (t) => {
  const feeds = {};
  for (const scope of ["platform", "advertiser:acme", "advertiser:globex"]) {
    feeds[scope] = await listen({ token: server.adminToken, scope });
    t.after(feeds[scope].close);
    await eventually(async () => assert.equal(feeds[scope].messages.length, 1));
    assert.equal(feeds[scope].messages[0].scope, scope);
  }
  for (let i = 1; i <= 5; i++) {
    await server.sender.collect([impression(`e${i}`)]);
    await eventually(async () => {
      assert.equal(impressionsOf(feeds["advertiser:acme"]), i);
      assert.equal(impressionsOf(feeds.platform), i);
    });
  }
  assert.equal(feeds["advertiser:globex"].messages.length, 1, "nothing of globex changed");
  const versions = feeds["advertiser:acme"].messages.map(({ version }) => version);
  assert.equal(new Set(versions).size, versions.length, "each message has a version of its own");
  const { version } = await server.admin.report({ scope: "advertiser:acme", metrics: "impressions" });
  assert.equal(version, versions.at(-1));
});

test("duplicates are news too, rejected events are not", async (t) => {
  const feed = await listen({ token: server.adminToken, scope: "advertiser:quiet" });
  t.after(feed.close);
  await server.sender.collect([impression("once", "quiet")]);
  await eventually(async () => assert.equal(impressionsOf(feed), 1));
  await server.sender.collect([impression("once", "quiet")]);
  await eventually(async () => assert.equal(feed.messages.at(-1).totals.duplicates, 1));
  assert.equal(impressionsOf(feed), 1);
});

test("only for those who may see the scope", async (t) => {
  await assert.rejects(listen({ scope: "platform" }));
  await assert.rejects(listen({ token: "wrong" }));
  await assert.rejects(listen({ token: server.writeKey }));
  const { json } = await server.admin.post("/v1/tokens", { name: "acme", role: "analyst", scope: "advertiser:acme" });
  await assert.rejects(listen({ token: json.token, scope: "advertiser:globex" }));
  await assert.rejects(listen({ token: json.token, scope: "platform" }));
  const own = await listen({ token: json.token });
  t.after(own.close);
  await eventually(async () => assert.equal(own.messages[0]?.scope, "advertiser:acme"));
});

test("a browser is let in by its cookie", async (t) => {
  const answer = await server.admin.as(undefined).post("/v1/session", { token: server.adminToken });
  const [cookie] = answer.headers.getSetCookie()[0].split(";");
  const feed = await listen({ cookie });
  t.after(feed.close);
  await eventually(async () => assert.equal(feed.messages[0]?.scope, "platform"));
});

test("without an upgrade it says what it is", async () => {
  const answer = await server.admin.get("/v1/live");
  assert.equal(answer.status, 426, answer.text);
});
