// What is operated on pages: events that were rejected, the catalog, tags that are checked, figures of the platform.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { describe, test } from "node:test";

import { eventually, isProblem } from "./api.mjs";
import { useBrowser } from "./browser.mjs";
import { useServer } from "./server.mjs";

const server = useServer(async ({ admin }) => {
  for (const key of ["acme", "snippets"]) await admin.put(`/v1/advertisers/${key}`, { name: key, currency: "EUR", timezone: "UTC" });
});
const browser = useBrowser();

async function signedIn(t, path, token = server.adminToken) {
  const dashboard = await browser.open(t, server);
  await dashboard.signIn(token, path);
  return dashboard;
}

test("what was rejected is found by its reason, and replayed with a correction", async (t) => {
  const events = ["a", "b", "c"].map((id) => ({ id, kind: "impression", advertiser: "acme" }));
  await server.sender.post("/v1/events", [...events, { id: "w", kind: "wink", advertiser: "acme", ad: "x" }]);
  const dashboard = await signedIn(t, "/events?scope=advertiser:acme&range=today");
  await dashboard.find("list-rejected").click();
  const rows = dashboard.find("rejected-row");
  const codes = () => rows.evaluateAll((rows) => rows.map(({ dataset }) => dataset.code).sort());
  await eventually(async () => assert.deepEqual(await codes(), ["missing_ad", "missing_ad", "missing_ad", "unknown_kind"]), 10_000);
  assert.match(await rows.first().innerText(), /must be impression|ad/);
  await dashboard.find("code-missing_ad").click();
  await eventually(async () => assert.deepEqual(await codes(), ["missing_ad", "missing_ad", "missing_ad"]), 10_000);
  assert.equal(dashboard.query().get("code"), "missing_ad");
  await dashboard.page.reload();
  await eventually(async () => assert.equal((await codes()).length, 3), 10_000);

  await dashboard.find("replay").click();
  await eventually(async () => assert.match(await dashboard.find("replayed").innerText(), /^0 accepted.*3 still wrong/), 10_000);
  assert.equal(await dashboard.find("rejected-table").locator("thead td").count(), 0, "heads are heads");
  await dashboard.find("set-field").fill("ad");
  await dashboard.find("set-value").fill("banner");
  await dashboard.find("replay").click();
  await eventually(async () => assert.match(await dashboard.find("replayed").innerText(), /^3 accepted/), 10_000);
  await dashboard.find("state-empty").waitFor();
  const { json } = await server.admin.get("/v1/rejected", { advertiser: "acme" });
  assert.deepEqual(json.rejected.map(({ code }) => code), ["unknown_kind"]);
  await eventually(async () => {
    const totals = await server.admin.totals({ scope: "advertiser:acme", from: "2020-01-01", to: "2100-01-01", metrics: "impressions", filter: "ad:eq:banner" });
    assert.equal(totals.impressions, 3);
  }, 5_000);
  await dashboard.find("code-any").click();
  await dashboard.find("replay-one").click();
  await eventually(async () => assert.match(await dashboard.find("replayed").innerText(), /1 still wrong/), 10_000);
});

test("who may not replay sees why events were rejected all the same", async (t) => {
  await server.sender.post("/v1/events", { id: "w", kind: "wink", advertiser: "looked-at", ad: "x" });
  const { json } = await server.admin.post("/v1/tokens", { name: "t", role: "analyst", scope: "advertiser:looked-at" });
  const dashboard = await signedIn(t, "/events?list=rejected&range=today", json.token);
  await dashboard.find("rejected-row").waitFor();
  assert.equal(await dashboard.find("replay").count(), 0);
  assert.equal(await dashboard.find("replay-one").count(), 0);
});

test("times are in a zone that is named beside them", async (t) => {
  const dashboard = await signedIn(t, "/events?list=rejected&range=today&tz=Asia/Seoul");
  const named = async (root) => {
    await dashboard.settled(root);
    await eventually(async () => assert.equal(await dashboard.find("zone-note").first().innerText(), "Times in Asia/Seoul"), 5_000);
  };
  await named("events");
  await dashboard.visit("/events?scope=advertiser:acme&range=today&tz=Asia/Seoul");
  await named("events");
  await dashboard.visit("/cubes?scope=advertiser:acme&tz=Asia/Seoul");
  await named("cubes");
});

describe("the catalog", () => {
  test("of a service and its placements", async (t) => {
    const dashboard = await signedIn(t, "/settings");
    const services = dashboard.find("services");
    await dashboard.find("none-yet", services).waitFor();
    await dashboard.find("entry-key", services).fill("daily");
    await dashboard.find("entry-name", services).fill("The Daily");
    await dashboard.find("save-entry", services).click();
    const row = services.locator('[data-testid="entry"][data-key="daily"]');
    await row.waitFor();
    assert.match(await row.innerText(), /The Daily/);
    await row.locator("a").click();
    const placements = dashboard.find("placements");
    await dashboard.find("entry-key", placements).fill("top/left");
    await dashboard.find("entry-name", placements).fill("Top left");
    await dashboard.find("save-entry", placements).click();
    await dashboard.find("entry", placements).waitFor();
    const { json } = await server.admin.get("/v1/placements", { service: "daily" });
    assert.deepEqual(json.placements, [{ key: "top/left", name: "Top left", service: "daily" }]);
    // A name is changed, nothing else.
    await dashboard.find("entry", placements).locator("button").click();
    await dashboard.find("entry-name", placements).fill("Upper left");
    await dashboard.find("save-entry", placements).click();
    await eventually(async () => assert.match(await dashboard.find("entry", placements).innerText(), /Upper left/), 5_000);
  });

  test("of an advertiser: its new name is everywhere at once", async (t) => {
    const dashboard = await signedIn(t, "/settings?scope=advertiser:acme");
    const name = dashboard.find("advertiser-name");
    await name.fill("Acme & Sons");
    await dashboard.find("save-advertiser").click();
    await dashboard.find("saved").waitFor();
    await eventually(async () => assert.match(await dashboard.find("scope-picker").innerText(), /Acme & Sons/), 10_000);
    assert.equal(await dashboard.find("saved").count(), 1);
    await dashboard.find("nav-health").click();
    await dashboard.settled("health");
    await dashboard.find("nav-settings").click();
    await eventually(async () => assert.equal(await name.inputValue(), "Acme & Sons"), 10_000);
    await server.admin.put("/v1/advertisers/acme", { name: "acme" });
  });

  test("of ads", async (t) => {
    await server.admin.put("/v1/ads/banner", { advertiser: "acme", campaign: "spring", name: "Old" });
    const dashboard = await signedIn(t, "/settings?scope=advertiser:acme");
    const ads = dashboard.find("ads");
    await dashboard.find("entry", ads).locator("button").click();
    await dashboard.find("entry-name", ads).fill("New");
    await dashboard.find("save-entry", ads).click();
    await dashboard.find("saved", ads).waitFor();
    assert.deepEqual((await server.admin.get("/v1/ads/banner", { advertiser: "acme" })).json, { key: "banner", name: "New", advertiser: "acme", campaign: "spring" });
  });
});

describe("snippets", () => {
  const filled = (text, id) => text.replaceAll("WRITE_KEY", server.writeKey).replaceAll("USER_KEY", `u-${id}`);

  /** What the page says of the first event. */
  const says = (dashboard, pattern) =>
    eventually(async () => assert.match(await dashboard.find("first-event").innerText(), pattern), 15_000);

  async function snippet(dashboard, way, fields = {}) {
    await dashboard.find("tag-way").selectOption(way);
    for (const [name, value] of Object.entries(fields)) await dashboard.find(`tag-${name}`).fill(value);
    return dashboard.find("snippet").innerText();
  }

  /** A page of another site with a snippet in it. */
  async function visit(t, html) {
    const visitor = await browser.open(t, server, { userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" });
    visitor.expected.push(/./);
    await visitor.page.route("http://shop.example/**", (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html><title>Landing</title>" }));
    const site = createServer((_, answer) => answer.setHeader("content-type", "text/html").end(`<!doctype html><title>Shop</title><div>${html}</div>`));
    await once(site.listen(0, "127.0.0.1"), "listening");
    t.after(() => {
      site.close();
      site.closeAllConnections();
    });
    await visitor.page.goto(`http://localhost:${site.address().port}/`);
    return visitor;
  }

  test("are put into a page, and the dashboard says that their event has come", { timeout: 120_000 }, async (t) => {
    const cases = [
      ["pixel", (html, id) => html.replace("IMPRESSION_ID", id)],
      ["view", (html) => html.replace("&impression=IMPRESSION_ID", "")],
      ["beacon", (html) => html],
    ];
    for (const [way, fill] of cases) {
      const dashboard = await signedIn(t, "/settings?scope=advertiser:snippets");
      const ad = `ad-${way}`;
      const html = await snippet(dashboard, way, { ad, service: "shop" });
      await says(dashboard, /Waiting/);
      const visitor = await visit(t, fill(filled(html, way), `${way}-1`) + "<p>the ad</p>");
      await says(dashboard, /We received your first event/);
      assert.equal(await dashboard.find("first-event").getAttribute("data-state"), "counted");
      const { json } = await server.admin.get("/v1/events", { advertiser: "snippets", filter: `ad:eq:${ad}` });
      assert.deepEqual(json.events.map(({ event, cell }) => [event.kind, cell.service]), [[way === "view" ? "view" : "impression", "shop"]]);
      await visitor.page.close();
      await dashboard.page.close();
    }
  });

  test("of a click: signed here, followed by a visitor; and of the conversion that a server reports", { timeout: 60_000 }, async (t) => {
    const dashboard = await signedIn(t, "/settings?scope=advertiser:snippets");
    assert.match(await snippet(dashboard, "redirect", { ad: "clicked" }), /sign the link/);
    await dashboard.find("tag-to").fill("http://shop.example/landing?ref={click}");
    await dashboard.find("sign-link").click();
    await eventually(async () => assert.match(await dashboard.find("snippet").innerText(), /^<a href=/), 5_000);
    const html = await dashboard.find("snippet").innerText();
    const visitor = await visit(t, filled(html, "c").replace("&amp;impression=IMPRESSION_ID", ""));
    await visitor.page.locator("a").click();
    await visitor.page.waitForURL(/shop\.example\/landing\?ref=adt-/);
    const click = new URL(visitor.page.url()).searchParams.get("ref");
    await says(dashboard, new RegExp(`first event: ${click}`));
    const address = filled(await snippet(dashboard, "postback"), "p").replace("CLICK_ID", click).replace("ORDER_ID", "order-1");
    assert.equal((await fetch(address)).status, 202);
    await says(dashboard, /first event: order-1/);
    const { json } = await server.admin.get("/v1/events/order-1", { advertiser: "snippets" });
    assert.equal(json.parents[0].id, click);
  });

  test("that are wrong say why", async (t) => {
    const dashboard = await signedIn(t, "/settings?scope=advertiser:snippets");
    await snippet(dashboard, "server", { ad: "wrong" });
    await server.sender.post("/v1/events", { kind: "wink", advertiser: "snippets", ad: "wrong" });
    await says(dashboard, /refused: unknown_kind/);
  });
});

describe("the health of the platform", () => {
  test("in figures that are those of the counters", async (t) => {
    const { text } = await server.admin.get("/metrics");
    assert.match(text, /adtally_events_accepted_total/);
    await server.sender.collect(Array.from({ length: 50 }, (_, i) => ({ id: `h${i}`, kind: "impression", advertiser: "acme", ad: "a", user: `u${i}` })));
    const dashboard = await signedIn(t, "/health");
    const linker = dashboard.page.locator('[data-testid="object"][data-object="linker:acme/0"]');
    await linker.waitFor();
    await eventually(async () => {
      const { json } = await server.admin.get("/v1/health");
      const metrics = (await server.admin.get("/metrics")).text;
      const counted = [...metrics.matchAll(/^adtally_events_accepted_total\{.*\} (\d+)$/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
      assert.equal(json.total.accepted, counted);
      assert.ok(json.recent.accepted >= 50 && json.recent.accepted <= counted, JSON.stringify(json));
      const { count, p50_ms: half, p99_ms: most } = json.total.ack;
      assert.equal(count, Number(/^adtally_ack_seconds_count (\d+)$/m.exec(metrics)[1]));
      assert.ok(half > 0 && half <= most);
      const price = Object.values(json.total.cost_micros).reduce((sum, micros) => sum + micros, 0);
      assert.ok(Math.abs(json.total.cost_per_million_micros - (price * 1e6) / counted) <= 2e6 / counted + 4e6 / counted, JSON.stringify(json.total));
      const object = json.objects.find((one) => one.class === "linker" && one.object === "acme/0");
      assert.ok(object.calls >= 1 && object.events >= 50, JSON.stringify(object));
    }, 40_000);
    for (const id of ["ingest", "ack", "report-lag", "cost", "outbox-depth", "memory"]) {
      await eventually(async () => assert.match(await dashboard.find(id).innerText(), /\d/), 20_000);
    }
  });

  test("is told to the platform alone", async (t) => {
    const { json } = await server.admin.post("/v1/tokens", { name: "t", role: "admin", scope: "advertiser:acme" });
    isProblem(await server.admin.as(json.token).get("/v1/health"), 403, "foreign_scope");
    const dashboard = await signedIn(t, "/health", json.token);
    await dashboard.settled("health");
    assert.equal(await dashboard.find("platform-figures").count(), 0);
  });
});
