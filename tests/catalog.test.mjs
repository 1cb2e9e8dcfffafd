// Settings and catalog: what is put is there, what is wrong is refused, and prices become costs.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { eventually, isProblem } from "./api.mjs";
import { useServer } from "./server.mjs";

const DAY = 86_400_000;
const RANGE = { from: "2026-03-01", to: "2026-04-01" };
const server = useServer();

const put = async (path, body) => {
  const answer = await server.admin.put(path, body);
  assert.ok([200, 201].includes(answer.status), answer.text);
  return answer.json;
};

describe("advertisers", () => {
  const DEFAULTS = {
    shards: 1,
    click_window_ms: DAY,
    conversion_click_window_ms: 30 * DAY,
    conversion_view_window_ms: DAY,
    repeat_click_ms: 2_000,
    repeat_conversion_ms: 0,
    repeat_impression_ms: 0,
  };

  test("a new one has the defaults; a put changes what it names", async () => {
    isProblem(await server.admin.get("/v1/advertisers/acme"), 404, "advertiser_not_found");
    const acme = await put("/v1/advertisers/acme", { name: "Acme", currency: "KRW", timezone: "Asia/Seoul" });
    assert.deepEqual(acme, { key: "acme", name: "Acme", currency: "KRW", timezone: "Asia/Seoul", ...DEFAULTS });
    const changed = await put("/v1/advertisers/acme", { click_window_ms: 1_000 });
    assert.deepEqual(changed, { ...acme, click_window_ms: 1_000 });
    assert.deepEqual((await server.admin.get("/v1/advertisers/acme")).json, changed);
    const { advertisers } = (await server.admin.get("/v1/advertisers")).json;
    assert.deepEqual(advertisers, [changed]);
  });

  test("its time zone is the default of its reports", async () => {
    await put("/v1/advertisers/seoul", { name: "Seoul", currency: "KRW", timezone: "Asia/Seoul" });
    const { tz } = await server.admin.report({ scope: "advertiser:seoul", by: "day", metrics: "clicks" });
    assert.equal(tz, "Asia/Seoul");
  });

  test("settings apply to what arrives from then on", async () => {
    const pair = (n) => [
      { id: `i${n}`, kind: "impression", at: "2026-03-01T10:00:00Z", advertiser: "windows", ad: "a", user: `u${n}` },
      { id: `c${n}`, kind: "click", at: "2026-03-01T12:00:00Z", advertiser: "windows", ad: "a", user: `u${n}` },
    ];
    await put("/v1/advertisers/windows", { click_window_ms: 3_600_000 });
    await server.sender.collect(pair(1));
    await put("/v1/advertisers/windows", { click_window_ms: 3 * 3_600_000 });
    await server.sender.collect(pair(2));
    await eventually(async () => {
      const query = { ...RANGE, scope: "advertiser:windows", metrics: "clicks,linked_clicks" };
      assert.deepEqual(await server.admin.totals(query), { clicks: 2, linked_clicks: 1 });
    });
  });

  const refused = {
    "an unknown zone": [{ timezone: "Mars/Olympus" }, /Mars\/Olympus/],
    "an unknown currency": [{ currency: "won" }, /won/],
    "no shards": [{ shards: 0 }, /shards|256/],
    "257 shards": [{ shards: 257 }, /257/],
    "a negative window": [{ click_window_ms: -1 }, /-1/],
    "a window in words": [{ click_window_ms: "1d" }, /click_window_ms|1d|integer/],
    "an unknown field": [{ clickwindow: 1 }, /clickwindow/],
  };
  for (const [name, [body, about]] of Object.entries(refused)) {
    test(`${name} is refused`, async () => {
      const answer = await server.admin.put("/v1/advertisers/refused", body);
      assert.ok([400, 422].includes(answer.status), answer.text);
      isProblem(answer, answer.status, answer.json.code, about);
      assert.match(answer.json.code, /^[a-z_]+$/);
      assert.equal((await server.admin.get("/v1/advertisers/refused")).status, 404);
    });
  }
});

describe("the rest of the catalog", () => {
  const entries = {
    campaigns: {
      key: "spring",
      advertiser: "acme",
      name: "Spring",
      price_model: "cpc",
      price_micros: 250_000,
      start: "2026-03-01T00:00:00Z",
      end: "2026-06-01T00:00:00Z",
      budget: 9_000_000,
    },
    ads: { key: "banner", name: "Banner", advertiser: "acme", campaign: "spring" },
    services: { key: "news", name: "News" },
    placements: { key: "top", name: "Top of the page", service: "news" },
  };
  for (const [plural, entry] of Object.entries(entries)) {
    test(`${plural}: put, get, list, change`, async () => {
      const { key, ...body } = entry;
      const path = `/v1/${plural}/${key}`;
      assert.equal((await server.admin.get(path)).status, 404);
      assert.deepEqual(await put(path, body), entry);
      assert.deepEqual((await server.admin.get(path)).json, entry);
      assert.deepEqual((await server.admin.get(`/v1/${plural}`)).json[plural], [entry]);
      assert.deepEqual(await put(path, { ...body, name: "Other" }), { ...entry, name: "Other" });
    });
  }

  test("a campaign of an unknown price model is refused", async () => {
    const answer = await server.admin.put("/v1/campaigns/odd", { advertiser: "acme", price_model: "cpx", price_micros: 1 });
    assert.ok([400, 422].includes(answer.status), answer.text);
    assert.match(answer.json.detail, /cpx/);
  });
});

test("prices become costs; an event's own cost wins", async () => {
  const campaigns = { m: ["cpm", 5_000_000], c: ["cpc", 300], a: ["cpa", 40_000] };
  for (const [key, [price_model, price_micros]] of Object.entries(campaigns)) {
    await put(`/v1/campaigns/priced-${key}`, { advertiser: "priced", price_model, price_micros });
    const common = { advertiser: "priced", campaign: `priced-${key}`, user: `u-${key}` };
    await server.sender.collect([
      { ...common, id: `i1${key}`, kind: "impression", ad: "x", at: "2026-03-01T10:00:00Z" },
      { ...common, id: `i2${key}`, kind: "impression", ad: "x", at: "2026-03-01T11:00:00Z", cost_micros: 7 },
      { ...common, id: `c1${key}`, kind: "click", impression: `i1${key}`, at: "2026-03-01T10:01:00Z" },
      { ...common, id: `v1${key}`, kind: "conversion", click: `c1${key}`, label: "buy", at: "2026-03-01T10:09:00Z", value_micros: 990_000 },
    ]);
  }
  await eventually(async () => {
    const query = { ...RANGE, scope: "advertiser:priced", by: "campaign", metrics: "impressions,conversions,cost_micros,value_micros", sort: "campaign" };
    const { rows } = await server.admin.report(query);
    assert.deepEqual(rows, [
      ["priced-a", 2, 1, 40_007, 990_000],
      ["priced-c", 2, 1, 307, 990_000],
      ["priced-m", 2, 1, 5_007, 990_000],
    ]);
  });
});

describe("who may see and change the catalog", () => {
  const token = async (role, scope) => {
    const { json } = await server.admin.post("/v1/tokens", { name: scope, role, scope });
    return server.admin.as(json.token);
  };

  test("an analyst reads and does not change", async () => {
    const analyst = await token("analyst", "platform");
    assert.equal((await analyst.get("/v1/advertisers")).status, 200);
    isProblem(await analyst.put("/v1/advertisers/acme", { name: "Mine" }), 403, "role_forbidden");
  });

  test("an advertiser sees and changes only its own", async () => {
    await put("/v1/advertisers/globex", { name: "Globex", currency: "USD", timezone: "UTC" });
    await put("/v1/campaigns/theirs", { advertiser: "globex", name: "Theirs" });
    const acme = await token("admin", "advertiser:acme");
    assert.deepEqual((await acme.get("/v1/advertisers")).json.advertisers.map(({ key }) => key), ["acme"]);
    assert.ok((await acme.get("/v1/campaigns")).json.campaigns.every(({ advertiser }) => advertiser === "acme"));
    for (const key of ["globex", "nobody"]) {
      isProblem(await acme.get(`/v1/advertisers/${key}`), 403, "foreign_scope");
      isProblem(await acme.put(`/v1/advertisers/${key}`, { name: "Mine" }), 403, "foreign_scope");
    }
    // Campaign keys belong to their advertiser: the same key is another campaign, and nobody learns of the first.
    const own = await acme.put("/v1/campaigns/theirs", { advertiser: "acme", name: "Mine" });
    assert.deepEqual([own.status, own.json.advertiser], [201, "acme"], own.text);
    isProblem(await acme.put("/v1/campaigns/theirs", { advertiser: "globex", name: "Mine" }), 403, "foreign_scope");
    const theirs = (await server.admin.get("/v1/campaigns/theirs", { advertiser: "globex" })).json;
    assert.deepEqual([theirs.advertiser, theirs.name], ["globex", "Theirs"]);
  });

  test("nobody sees or changes anything without a token", async () => {
    const nobody = server.admin.as(undefined);
    for (const plural of ["advertisers", "campaigns", "ads", "services", "placements", "tokens"]) {
      isProblem(await nobody.get(`/v1/${plural}`), 401, "unauthorized");
    }
    isProblem(await nobody.put("/v1/advertisers/acme", { name: "Mine" }), 401, "unauthorized");
  });
});
