// The doors besides POST /v1/events: pixels, signed click links, postbacks.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { eventually, isProblem } from "./api.mjs";
import { useServer } from "./server.mjs";

const PEOPLE = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
// From the examples of the IAB's reference implementation: purpose 1 is allowed.
const CONSENT = "COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA";

const server = useServer();
let advertisers = 0;
const newAdvertiser = () => `door${++advertisers}`;

/** A browser: it knows no header but its own, and the key in the address. */
const browse = (path, params, headers = {}) =>
  server.sender.as(undefined).get(path, { key: server.writeKey, ...params }, { "user-agent": PEOPLE, ...headers });

const counted = (advertiser, metrics) =>
  server.admin.totals({ scope: `advertiser:${advertiser}`, metrics, from: "2026-01-01", to: "2027-12-31" });

const story = async (id, advertiser, kind) => {
  const answer = await server.admin.get(`/v1/events/${id}`, { advertiser, kind });
  assert.equal(answer.status, 200, answer.text);
  return answer.json.event;
};

const isPixel = (answer, status) => {
  assert.equal(answer.status, status, answer.headers.get("x-adtally-code"));
  assert.equal(answer.headers.get("content-type"), "image/gif");
  assert.match(answer.headers.get("cache-control"), /no-store/);
  assert.match(answer.text, /^GIF89a/);
};

describe("pixels", () => {
  test("an impression and its view, once each", async () => {
    const advertiser = newAdvertiser();
    const fields = { advertiser, campaign: "spring", ad: "a1", user: "u1", cb: "12345", macro: "[CACHEBUSTING]" };
    isPixel(await browse("/v1/i.gif", { ...fields, id: "i1", cost_micros: "1200" }), 200);
    isPixel(await browse("/v1/i.gif", { ...fields, id: "i1", cost_micros: "1200" }), 200);
    isPixel(await browse("/v1/v.gif", { advertiser, id: "v1", impression: "i1", user: "u1" }), 200);
    await eventually(async () =>
      assert.deepEqual(await counted(advertiser, "impressions,views,duplicates,cost_micros"), {
        impressions: 1,
        views: 1,
        duplicates: 1,
        cost_micros: 1200,
      }),
    );
  });

  test("the request tells of the person: robots, page, click ids", async () => {
    const advertiser = newAdvertiser();
    const page = "https://shop.example/?gclid=G-1&x=2&fbclid=F";
    isPixel(await browse("/v1/i.gif", { advertiser, ad: "a", id: "i1" }, { referer: page }), 200);
    isPixel(await browse("/v1/i.gif", { advertiser, ad: "a", id: "i2" }, { "user-agent": "Googlebot/2.1" }), 200);
    await eventually(async () =>
      assert.deepEqual(await counted(advertiser, "impressions,bot_impressions"), { impressions: 1, bot_impressions: 1 }),
    );
    const event = JSON.stringify(await story("i1", advertiser, "impression"));
    assert.match(event, /"gclid":"G-1"/);
    assert.match(event, /"fbclid":"F"/);
  });

  test("what the request tells of the device is filled in where nobody says it", async () => {
    const advertiser = newAdvertiser();
    const iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1";
    const events = [
      { id: "i1", told: ["desktop", "linux", "firefox"] },
      { id: "i2", agent: iphone, told: ["mobile", "ios", "safari"] },
      { id: "i3", agent: iphone, device: "kiosk", browser: "own", told: ["kiosk", "ios", "own"] },
      { id: "i4", user_agent: iphone, told: ["mobile", "ios", "safari"] },
    ];
    for (const { agent, told, ...event } of events) {
      isPixel(await browse("/v1/i.gif", { advertiser, ad: "a", ...event }, agent && { "user-agent": agent }), 200);
      const { device, os, browser } = await story(event.id, advertiser, "impression");
      assert.deepEqual([device, os, browser], told, event.id);
    }
    const own = { advertiser, ad: "a", kind: "impression" };
    await server.sender.as(undefined).post(`/v1/events?key=${server.writeKey}`, JSON.stringify({ ...own, id: "b1" }), {
      "content-type": "text/plain",
      "user-agent": iphone,
    });
    assert.equal((await story("b1", advertiser, "impression")).device, "mobile");
    await server.sender.collect([{ ...own, id: "s1", user_agent: iphone }]);
    assert.equal((await story("s1", advertiser, "impression")).device, undefined, "a server's event keeps what it says");
  });

  test("what is wrong is told by the status, and the answer is a picture", async () => {
    const missing = await browse("/v1/i.gif", { advertiser: newAdvertiser() });
    isPixel(missing, 400);
    assert.equal(missing.headers.get("x-adtally-code"), "missing_ad");
    const nobody = await browse("/v1/i.gif", { key: "wrong", ad: "a" });
    isPixel(nobody, 401);
    assert.equal(nobody.headers.get("x-adtally-code"), "unauthorized");
  });

  test("what a browser fetches ahead is not recorded", async () => {
    const advertiser = newAdvertiser();
    isPixel(await browse("/v1/i.gif", { advertiser, ad: "a" }, { "sec-purpose": "prefetch" }), 200);
    isPixel(await browse("/v1/i.gif", { advertiser, ad: "a" }), 200);
    await eventually(async () => assert.equal((await counted(advertiser, "impressions")).impressions, 1));
  });

  test("any site may ask", async () => {
    const answer = await server.sender.as(undefined).request("OPTIONS", "/v1/i.gif", { headers: { origin: "https://a.example" } });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers.get("access-control-allow-origin"), "*");
  });
});

describe("the id cookie", () => {
  const cookie = async (params, headers) =>
    (await browse("/v1/i.gif", { advertiser: "cookies", ad: "a", ...params }, headers)).headers.get("set-cookie");

  test("only for those who ask for it, and where the person allows it", async () => {
    assert.equal(await cookie({}), null);
    assert.match(await cookie({ cookie: "1" }), /^adtally_id=[0-9a-f]{32}; Path=\/v1; Max-Age=34128000; HttpOnly; SameSite=Lax/);
    assert.equal(await cookie({ cookie: "1", user: "named" }), null);
    assert.equal(await cookie({ cookie: "1" }, { "sec-gpc": "1" }), null);
    assert.equal(await cookie({ cookie: "1", gdpr: "1" }), null);
    assert.match(await cookie({ cookie: "1", gdpr: "1", gdpr_consent: CONSENT }), /^adtally_id=[0-9a-f]{32};/);
    const known = `adtally_id=${"ab".repeat(16)}`;
    assert.match(await cookie({ cookie: "1" }, { cookie: known }), new RegExp(`^${known};`));
    assert.match(await cookie({ cookie: "1" }, { cookie: known, "sec-gpc": "1" }), /^adtally_id=; Path=\/v1; Max-Age=0/);
  });

  test("it links what one browser does, and what was allowed is kept", async () => {
    const advertiser = newAdvertiser();
    const first = await browse("/v1/i.gif", { advertiser, ad: "a", id: "i1", cookie: "1", gdpr: "1", gdpr_consent: CONSENT });
    const link = await signed({ advertiser, ad: "a", to: "https://shop.example/" });
    const headers = { "user-agent": PEOPLE, cookie: first.headers.get("set-cookie").split(";")[0] };
    assert.equal((await server.sender.as(undefined).get(`${link}&id=c1&cookie=1`, {}, headers)).status, 302);
    await eventually(async () =>
      assert.deepEqual(await counted(advertiser, "impressions,clicks,linked_clicks"), { impressions: 1, clicks: 1, linked_clicks: 1 }),
    );
    const event = JSON.stringify(await story("i1", advertiser, "impression"));
    assert.match(event, /"storage":"allowed"/);
    assert.match(event, new RegExp(CONSENT));
  });
});

/** Path and query of a link that the operator signs. */
async function signed(link) {
  const answer = await server.admin.post("/v1/links", link);
  assert.equal(answer.status, 201, answer.text);
  const url = new URL(answer.json.url);
  return url.pathname + url.search;
}

describe("click links", () => {
  const nobody = () => server.sender.as(undefined);
  const to = "https://shop.example/landing?ref={click}";

  test("lead where they were signed for, and are recorded", async () => {
    const advertiser = newAdvertiser();
    const link = await signed({ advertiser, campaign: "spring", ad: "a", to });
    const answer = await nobody().get(`${link}&id=c1&user=u1&color=red`, {}, { "user-agent": PEOPLE });
    assert.equal(answer.status, 302, answer.text);
    assert.equal(answer.headers.get("location"), "https://shop.example/landing?ref=c1");
    await eventually(async () => assert.equal((await counted(advertiser, "clicks")).clicks, 1));
    assert.match(JSON.stringify(await story("c1", advertiser, "click")), /"color":"red"/);
    const unnamed = await nobody().get(link, {}, { "user-agent": PEOPLE });
    assert.match(unnamed.headers.get("location"), /\?ref=adt-[0-9a-f]{16}$/);
    await eventually(async () => assert.equal((await counted(advertiser, "clicks")).clicks, 2));
  });

  test("a click that cannot be recorded still leads there", async () => {
    const link = await signed({ advertiser: newAdvertiser(), to });
    const answer = await nobody().get(link, {}, { "user-agent": PEOPLE });
    assert.equal(answer.status, 302, "neither ad nor impression, and yet the person wants to get there");
  });

  test("never lead anywhere else", async () => {
    const link = await signed({ advertiser: "acme", ad: "a", to });
    const changed = [
      link.replace("shop.example", "evil.example"),
      link.replace("advertiser=acme", "advertiser=globex"),
      link.replace("ad=a", "ad=b"),
      link.replace(/sig=0\.../, "sig=0.00"),
      link.replace(/&sig=.*/, ""),
      `${link}&to=https%3A%2F%2Fevil.example`,
      link.replace(/to=[^&]*/, "to=javascript%3Aalert(1)"),
      "/v1/c?to=https%3A%2F%2Fevil.example",
      "/v1/c",
    ];
    for (const path of changed) {
      const answer = await nobody().get(path);
      assert.equal(answer.status, 400, path);
      assert.equal(answer.headers.get("location"), null);
    }
    isProblem(await nobody().get(changed[0]), 400, "bad_signature");
  });

  test("are signed for admins of the advertiser only", async () => {
    const token = async (role, scope) => (await server.admin.post("/v1/tokens", { name: "t", role, scope })).json.token;
    const link = { advertiser: "acme", ad: "a", to };
    isProblem(await nobody().post("/v1/links", link), 401, "unauthorized");
    isProblem(await server.sender.post("/v1/links", link), 403, "role_forbidden");
    isProblem(await nobody().as(await token("analyst", "advertiser:acme")).post("/v1/links", link), 403, "role_forbidden");
    isProblem(await nobody().as(await token("admin", "advertiser:globex")).post("/v1/links", link), 403, "foreign_scope");
    assert.equal((await nobody().as(await token("admin", "advertiser:acme")).post("/v1/links", link)).status, 201);
    isProblem(await server.admin.post("/v1/links", { ...link, to: "ftp://x" }), 400, "bad_destination");
  });
});

describe("postbacks", () => {
  test("in the address, as a form and as JSON, under the usual names", async () => {
    const advertiser = newAdvertiser();
    const get = await browse("/v1/postback", { advertiser, clickid: "c1", txid: "t1", payout: "1.25", goal: "install" });
    assert.deepEqual([get.status, get.json], [202, { accepted: 1, duplicates: 0, rejected: [] }], get.text);
    const form = new URLSearchParams({ advertiser, txid: "t2", revenue: "2" }).toString();
    const posted = await server.sender.post("/v1/postback", form, { "content-type": "application/x-www-form-urlencoded" });
    assert.equal(posted.json.accepted, 1, posted.text);
    const json = { order_id: "t3", value_micros: 250_000, sub1: "x" };
    assert.equal((await server.sender.post(`/v1/postback?advertiser=${advertiser}`, json)).json.accepted, 1);
    assert.equal((await server.sender.post(`/v1/postback?advertiser=${advertiser}`, json)).json.duplicates, 1);
    await eventually(async () =>
      assert.deepEqual(await counted(advertiser, "conversions,value_micros,duplicates"), {
        conversions: 3,
        value_micros: 3_500_000,
        duplicates: 1,
      }),
    );
  });

  test("what is wrong is told", async () => {
    isProblem(await browse("/v1/postback", { txid: "t1" }), 400, "missing_advertiser");
    isProblem(await browse("/v1/postback", { advertiser: "acme", payout: "much" }), 400, "wrong_type", /value_micros/);
    isProblem(await browse("/v1/postback", { key: "wrong", advertiser: "acme" }), 401, "unauthorized");
    isProblem(await server.sender.post("/v1/postback", "[1]", { "content-type": "application/json" }), 400, "bad_json");
  });

  test("a key of one advertiser need not name it, and cannot name another", async () => {
    const advertiser = newAdvertiser();
    const { json } = await server.admin.post("/v1/tokens", { name: "own", role: "write", scope: `advertiser:${advertiser}` });
    assert.equal((await browse("/v1/postback", { key: json.token, txid: "t1" })).json.accepted, 1);
    isProblem(await browse("/v1/postback", { key: json.token, advertiser: "acme", txid: "t2" }), 400, "foreign_scope");
  });
});
