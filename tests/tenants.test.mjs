// What the dashboard of a tenant asks for and shows: its own scope, on every page.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { eventually } from "./api.mjs";
import { useBrowser } from "./browser.mjs";
import { useServer } from "./server.mjs";

const RANGE = "range=today&tz=UTC";

/** Two advertisers in two services, each with names that stand nowhere else. */
const OF = {
  acme: { advertiser: "acme", campaign: "acme-spring", ad: "acme-banner" },
  globex: { advertiser: "globex", campaign: "globex-autumn", ad: "globex-poster" },
};
const SERVICES = { daily: "daily-top", weekly: "weekly-side" };

const server = useServer(async ({ admin, sender }) => {
  const made = [];
  for (const [key, { campaign, ad }] of Object.entries(OF)) {
    made.push(await admin.put(`/v1/advertisers/${key}`, { name: `${key} Inc`, currency: "EUR", timezone: "UTC" }));
    made.push(await admin.put(`/v1/campaigns/${campaign}`, { advertiser: key, name: `${campaign} campaign` }));
    made.push(await admin.put(`/v1/ads/${ad}`, { advertiser: key, campaign, name: `${ad} ad` }));
    made.push(await admin.request("PUT", `/v1/views/${key}%20view`, { params: { scope: `advertiser:${key}` }, body: { kind: "report", query: "by=campaign" } }));
  }
  for (const [service, placement] of Object.entries(SERVICES)) {
    made.push(await admin.put(`/v1/services/${service}`, { name: `${service} paper` }));
    made.push(await admin.put(`/v1/placements/${placement}`, { service, name: `${placement} place` }));
  }
  for (const answer of made) assert.ok(answer.status < 300, answer.text);
  const events = Object.entries(OF).flatMap(([key, of]) =>
    Object.entries(SERVICES).flatMap(([service, placement]) =>
      Array.from({ length: 6 }, (_, i) => ({ id: `${key}-${service}-${i}`, kind: i < 4 ? "impression" : "click", user: `u${i % 4}`, service, placement, ...of })),
    ),
  );
  await sender.collect(events);
  for (const key of Object.keys(OF)) await sender.post("/v1/events", { id: `${key}-wrong`, kind: "wink", ...OF[key] });
});
const browser = useBrowser();

/** Pages with what they show there: the root that settles, or that there is nothing for them. */
const PAGES = {
  "/": { root: "overview" },
  "/explore?rows=service,placement&metrics=impressions,clicks": { root: "explore" },
  "/report?by=service,placement&metrics=impressions,clicks": { root: "report" },
  "/events": { root: "events" },
  "/events?list=rejected": { root: "events" },
  "/restatements": { root: "restatements" },
  "/verify": { root: "verify" },
  "/health": { root: "health" },
  "/settings": { root: "settings" },
  "/jobs": { root: undefined },
};

const TENANTS = [
  // A service's own report tells advertisers apart, but neither campaigns nor ads; an advertiser knows where its ads are shown.
  { scope: "advertiser:acme", role: "admin", foreign: /globex/i, closed: ["/jobs"], elsewhere: ["advertiser:globex", "service:daily", "platform"] },
  { scope: "advertiser:acme", role: "analyst", foreign: /globex/i, closed: ["/jobs"], elsewhere: ["advertiser:globex"] },
  { scope: "service:daily", role: "admin", foreign: /weekly|spring|autumn|banner|poster/i, closed: ["/jobs", "/verify", "/events"], elsewhere: ["service:weekly", "advertiser:acme", "platform"] },
];

const address = (path, more = "") => `${path}${path.includes("?") ? "&" : "?"}${RANGE}${more}`;

/** Records every request of a page to the API, and every answer and message that it gets. */
function recorded(page, url) {
  const log = { requests: [], answers: [], sockets: [], waiting: [] };
  page.on("request", (request) => {
    const { pathname, searchParams } = new URL(request.url());
    assert.ok(request.url().startsWith(url), `${request.url()} is not of this site`);
    if (pathname.startsWith("/v1/") || pathname.startsWith("/healthz")) log.requests.push({ pathname, searchParams, body: request.postData() ?? "" });
  });
  page.on("response", (response) => {
    if (!new URL(response.url()).pathname.startsWith("/v1/")) return;
    const read = async () => log.answers.push({ url: response.url(), status: response.status(), text: await response.text().catch(() => "") });
    log.waiting.push(read());
  });
  page.on("websocket", (socket) => {
    log.sockets.push(new URL(socket.url()).searchParams.get("scope"));
    socket.on("framereceived", ({ payload }) => log.answers.push({ url: socket.url(), status: 101, text: String(payload) }));
  });
  return log;
}

/** Everything that is written on the page, attributes included. */
const written = (dashboard) => dashboard.page.evaluate(() => document.body.outerHTML + document.title);

describe("a tenant", () => {
  for (const { scope, role, foreign, closed, elsewhere } of TENANTS) {
    test(`${role} of ${scope} asks for and sees its own on every page`, { timeout: 120_000 }, async (t) => {
      const { json } = await server.admin.post("/v1/tokens", { name: "tenant", role, scope });
      const dashboard = await browser.open(t, server);
      const log = recorded(dashboard.page, server.url);
      await dashboard.signIn(json.token, address("/"));
      const [side, key] = scope.split(":");
      for (const [path, { root }] of Object.entries(PAGES)) {
        await dashboard.visit(address(path));
        await dashboard.find("who").waitFor({ state: "attached" });
        if (closed.includes(path)) {
          await dashboard.find("state-no-access").waitFor();
        } else {
          await dashboard.settled(root);
          await eventually(async () => assert.equal(await dashboard.find("state-loading").count(), 0, path), 10_000);
          assert.equal(await dashboard.find("state-no-access").count(), 0, path);
          assert.equal(await dashboard.find("state-error").count(), 0, path);
          // What is shown is theirs, so that an empty page cannot pass.
          if (["overview", "explore", "report"].includes(root)) await eventually(async () => assert.match(await written(dashboard), /daily/), 10_000);
        }
        if (root === "report") {
          await dashboard.find("saved-views").click();
          await dashboard.find("view-name").waitFor();
        }
        assert.doesNotMatch(await written(dashboard), foreign, path);
      }
      await Promise.all(log.waiting);
      assert.ok(log.requests.length > 30, `${log.requests.length} requests`);
      for (const { pathname, searchParams, body } of log.requests) {
        const where = `${pathname}?${searchParams}`;
        for (const name of ["scope", "advertiser", "service"]) {
          for (const value of searchParams.getAll(name)) assert.equal(value, name === "scope" ? scope : name === side ? key : undefined, where);
        }
        assert.doesNotMatch(where + body, foreign);
      }
      assert.ok(log.sockets.length > 0);
      assert.deepEqual([...new Set(log.sockets)], [scope]);
      for (const { url, status, text } of log.answers) {
        assert.ok(status < 400 || (status === 401 && url.endsWith("/v1/session")), `${status} ${url}`);
        assert.doesNotMatch(text, foreign, url);
      }
    });

    test(`${role} of ${scope} is told of what is not theirs on every page, and nothing is asked`, { timeout: 120_000 }, async (t) => {
      const { json } = await server.admin.post("/v1/tokens", { name: "tenant", role, scope });
      const dashboard = await browser.open(t, server);
      await dashboard.signIn(json.token, address("/"));
      await dashboard.settled("overview");
      // A page that asks for nothing: what the one before still asks for is not of those that follow.
      await dashboard.visit(address("/jobs"));
      await dashboard.find("state-no-access").waitFor();
      const log = recorded(dashboard.page, server.url);
      for (const other of elsewhere) {
        for (const path of Object.keys(PAGES)) {
          await dashboard.visit(address(path, `&scope=${other}`));
          await dashboard.find("state-no-access").waitFor();
        }
      }
      await Promise.all(log.waiting);
      // Whoever is signed in and the own catalog, and nothing about anybody else.
      const asked = [...new Set(log.requests.map(({ pathname }) => pathname))].sort();
      assert.deepEqual(asked.filter((path) => !/^\/v1\/(session|advertisers|campaigns|services|placements)$/.test(path)), []);
      assert.deepEqual(log.sockets, []);
      for (const { url, text } of log.answers) assert.doesNotMatch(text, foreign, url);
      if (elsewhere.length > 1) {
        await dashboard.visit(address("/report", `&scope=${elsewhere[0]}`));
        await dashboard.find("own-scope").click();
        await dashboard.settled("report");
      }
    });
  }
});
