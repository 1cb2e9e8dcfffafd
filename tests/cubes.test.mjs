// Cubes: answers are the same with and without, as fresh as ever, and no other tenant's; only what changed is built.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Api, eventually, isProblem } from "./api.mjs";
import { batch as nightly, newRuntime, start, succeeded } from "./nightly.mjs";
import { EVENTS, RANGE } from "./traffic.mjs";

const RUN_MS = 120_000;
const SCOPE = "advertiser:acme";

/** Some in the month before, so that there is a month to be merged. */
const EARLIER = [10, 11, 11].map((day, i) => ({
  id: `e${i}`, kind: "impression", advertiser: "acme", campaign: `acme-${i}`, ad: "ad1", service: "news", country: "KR",
  device: "mobile", user: `u${i}`, cost_micros: 5, at: Date.UTC(2026, 1, day, 9),
}));
/** They arrive when all is built: one for a day that is there, one for a day that is not. */
const LATER = [Date.UTC(2026, 2, 7, 3), Date.UTC(2026, 2, 20, 3)].map((at, i) => ({ ...EARLIER[0], id: `l${i}`, user: "v", at }));

const STATEMENTS = [
  "SELECT SUM(impressions), SUM(cost_micros) FROM ad_stats",
  "SELECT campaign, SUM(impressions), SUM(clicks) FROM ad_stats GROUP BY campaign ORDER BY campaign",
  "SELECT country, day, SUM(impressions) FROM ad_stats GROUP BY country, day ORDER BY 1, 2",
  "SELECT campaign, COUNT(DISTINCT user_key) FROM ad_stats WHERE country = 'KR' GROUP BY campaign ORDER BY campaign",
  "SELECT SUM(clicks) FROM ad_stats WHERE day >= '2026-03-07' AND day < '2026-03-08'",
  "SELECT month, SUM(impressions) FROM ad_stats GROUP BY month ORDER BY month",
  "SELECT hour, SUM(impressions) FROM ad_stats WHERE campaign = 'acme-0' GROUP BY hour ORDER BY hour",
  "SELECT device, SUM(clicks) FROM ad_stats GROUP BY device ORDER BY device",
  "SELECT COUNT(*) FROM ad_stats",
  "SELECT campaign FROM ad_stats GROUP BY campaign HAVING SUM(clicks) = 0 ORDER BY 1",
];
const DEFINITION = { dimensions: ["campaign", "country"], measures: ["reach"], grain: "day", cuboids: [["campaign"], ["country"], []] };

describe("cubes of an advertiser", () => {
  let runtime;
  let admin;
  let sender;
  let plain;

  const at = (path) => `/v1/cubes${path}?scope=${SCOPE}`;
  const rows = async (api, sql, scope = SCOPE) => {
    const answer = await api.request("POST", "/v1/sql", { params: scope ? { scope } : {}, body: { sql } });
    assert.equal(answer.status, 200, `${sql}\n${answer.text}`);
    return answer.json.rows;
  };
  const answers = async (api = admin, scope = SCOPE) => Promise.all(STATEMENTS.map((sql) => rows(api, sql, scope)));
  const explain = async (sql) => (await rows(admin, `EXPLAIN ${sql}`)).flat().join("\n");
  const started = async (path, body) => succeeded(admin, await start(admin, body, path), RUN_MS);
  const batch = () => nightly(admin, null, RUN_MS);
  const cube = async () => {
    const answer = await admin.get(at("/daily"));
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  };
  const impressions = async () => (await rows(admin, STATEMENTS[0]))[0][0];

  before(async () => {
    runtime = await newRuntime();
    await runtime.start();
    admin = new Api(runtime.url, runtime.adminToken);
    sender = new Api(runtime.url, runtime.writeKey);
    await sender.collect([...EVENTS, ...EARLIER]);
    const count = [...EVENTS, ...EARLIER].filter(({ kind, advertiser }) => kind === "impression" && advertiser === "acme").length;
    await eventually(async () => assert.equal(await impressions(), count), 10_000);
    plain = await answers();
    await batch();
    assert.deepEqual(await answers(), plain);
  });
  after(() => runtime?.stop());

  test("a definition, and what it would amount to", async () => {
    const estimate = await admin.post(at("/estimate"), DEFINITION);
    assert.equal(estimate.status, 200, estimate.text);
    assert.equal(estimate.json.cuboids.length, 4);
    assert.ok(estimate.json.days >= 4 && estimate.json.cells > 0 && estimate.json.bytes > 0);
    for (const [change, about] of [[{ dimensions: ["page"] }, /page/], [{ grain: "week" }, /week/], [{ tz: "Mars" }, /Mars/], [{ measures: ["ctr"] }, /ctr/], [{ cuboids: [["label"]] }, /label/]]) {
      isProblem(await admin.put(at("/daily"), { ...DEFINITION, ...change }), 422, "bad_cube", about);
    }
    isProblem(await admin.put(at("/Daily"), DEFINITION), 422, "bad_cube");
    isProblem(await admin.get(at("/daily")), 404, "cube_not_found");
    const put = await admin.put(at("/daily"), DEFINITION);
    assert.equal(put.status, 200, put.text);
    assert.deepEqual([put.json.cuboids.length, put.json.enabled, put.json.stale_days, put.json.tz], [4, true, put.json.days, "UTC"]);
    const again = await admin.put(at("/daily"), DEFINITION);
    assert.equal(again.json.revision, put.json.revision);
    assert.match(await explain(STATEMENTS[1]), /not daily \(campaign\): .* none of its days are built/);
  });

  test("it is built, month and all, and answers the same", async () => {
    await started(at("/daily/build"));
    const { parts, stale_days: stale, days, cells } = await cube();
    assert.equal(stale, 0);
    assert.equal(parts.length, 4 * (days + 1));
    assert.ok(cells > 0 && parts.every((part) => part.fresh && part.took_ms >= 0));
    assert.equal(parts.filter((part) => part.from === "2026-02-01" && part.to === "2026-03-01").length, 4);
    const routes = [/cuboid daily \(\)/, /cuboid daily \(campaign\)/, /cuboid daily \(country\)/, /cuboid daily \(campaign, country\)/, /cuboid daily \(\)/];
    for (const [place, route] of routes.entries()) assert.match(await explain(STATEMENTS[place]), route, STATEMENTS[place]);
    assert.match(await explain(STATEMENTS[6]), /a cuboid of \(campaign\) by hour would have helped\n.*not daily \(campaign\): it does not tell every hour apart/s);
    assert.match(await explain(STATEMENTS[7]), /not daily \(.*\): it does not tell device apart/);
    assert.deepEqual(await answers(), plain);
    assert.deepEqual(await answers(), plain);
  });

  test("reports are answered from it too", async () => {
    const params = { scope: SCOPE, ...RANGE, by: "campaign", metrics: "impressions,clicks,reach" };
    const report = await admin.report(params);
    const fine = await admin.report({ ...params, by: "campaign,ad" });
    const sums = new Map();
    for (const [campaign, , n] of fine.rows) sums.set(campaign, (sums.get(campaign) ?? 0) + n);
    assert.deepEqual(report.rows.map(([campaign, n]) => [campaign, n]), [...sums].sort());
  });

  test("what arrives is counted at once, and only its days are built again", async () => {
    const count = await impressions();
    const generations = new Map((await cube()).parts.map((part) => [part.key, part.generation]));
    await sender.collect(LATER);
    await eventually(async () => assert.equal(await impressions(), count + LATER.length), 10_000);
    assert.match(await explain(STATEMENTS[1]), /cuboid daily \(campaign\).* [1-9]\d* of real time/);
    const fresh = await answers();
    assert.notDeepEqual(fresh, plain);
    const run = await batch();
    assert.ok(run.tasks.some((task) => task.id === `cubes:${SCOPE}`), "the batch builds");
    assert.deepEqual(await answers(), fresh);
    const { parts, stale_days: stale } = await cube();
    assert.equal(stale, 0);
    const rebuilt = new Set(parts.filter((part) => part.key && generations.get(part.key) !== part.generation).map((part) => part.from));
    assert.deepEqual([...rebuilt].sort(), ["2026-03-07", "2026-03-20"]);
    plain = fresh;
  });

  test("a part that is lost costs time, not figures", async () => {
    const bucket = await runtime.bucket("STORE");
    for (const part of (await cube()).parts) if (part.key) await bucket.delete(part.key);
    await runtime.restart();
    assert.deepEqual(await answers(), plain);
    await started(at("/daily/build"), { refresh: true });
    assert.ok(await (await runtime.bucket("STORE")).get((await cube()).parts.find((part) => part.key).key));
    assert.deepEqual(await answers(), plain);
  });

  test("tools of Kylin build it, see their runs, and build again what they name", async () => {
    const token = async (scope, role) => admin.as((await admin.post("/v1/tokens", { name: `${scope} ${role} kylin`, role, scope })).json.token);
    const [acme, globex] = [await token(SCOPE, "admin"), await token("advertiser:globex", "admin")];
    const put = async (api, path, body) => {
      const answer = await api.put(`/kylin/api/cubes/${path}`, body);
      assert.equal(answer.status, 200, answer.text);
      return answer.json;
    };
    const ended = (api, uuid) =>
      eventually(async () => {
        const { status, json } = await api.get(`/kylin/api/jobs/${uuid}`);
        assert.equal(status, 200);
        assert.deepEqual([json.uuid, json.job_status, json.related_cube], [uuid, "FINISHED", "daily"]);
      }, RUN_MS);
    const built = async () => new Map((await cube()).parts.map((part) => [`${part.cuboid} ${part.from} ${part.to}`, part.built]));
    const missing = await put(acme, "daily/build", { buildType: "BUILD", startTime: 0, endTime: 0 });
    await ended(acme, missing.uuid);
    const before = await built();
    // A day of the month that is not whole yet: it alone is made again.
    const day = Date.UTC(2026, 2, 8);
    const again = await put(acme, "daily/rebuild", { buildType: "REFRESH", startTime: day, endTime: day + 86_400_000 });
    await ended(acme, again.uuid);
    const changed = [...(await built())].filter(([part, at]) => before.get(part) !== at).map(([part]) => part);
    assert.ok(changed.length > 0 && changed.every((part) => part.includes("2026-03-08 2026-03-09")), JSON.stringify(changed));
    assert.deepEqual(await answers(), plain);
    const uuids = async (api) => (await api.get("/kylin/api/jobs")).json.map(({ uuid }) => uuid);
    for (const { uuid } of [missing, again]) {
      assert.ok((await uuids(acme)).includes(uuid) && (await uuids(admin)).includes(uuid));
      assert.ok(!(await uuids(globex)).includes(uuid));
      assert.equal((await globex.get(`/kylin/api/jobs/${uuid}`)).status, 404);
    }
    // What others have built since then does not push an own run out of a short list.
    const other = "/v1/cubes/theirs?scope=advertiser:globex";
    assert.ok([200, 201].includes((await admin.put(other, { dimensions: ["campaign"], grain: "day", cuboids: [["campaign"]] })).status));
    const theirs = await put(globex, "theirs/build", { buildType: "BUILD", startTime: 0, endTime: 0 });
    const listed = async (api, query) => (await api.get(`/kylin/api/jobs?${query}`)).json.map(({ uuid }) => uuid);
    assert.deepEqual(await listed(globex, "limit=1"), [theirs.uuid]);
    assert.deepEqual(await listed(acme, "limit=1"), [again.uuid]);
    assert.deepEqual(await listed(acme, "cubeName=daily&limit=1&offset=1"), [missing.uuid]);
    assert.deepEqual(await listed(admin, "cubeName=theirs"), [theirs.uuid]);
    assert.deepEqual(await listed(acme, "cubeName=ad_stats"), []);
    assert.equal((await acme.get("/kylin/api/jobs?limit=x")).status, 422);
    await succeeded(admin, theirs.uuid, RUN_MS);
    assert.equal((await admin.delete(other)).status, 204);
    // Of the platform's own cube the days are made again, and they are its business alone.
    const days = await put(admin, "ad_stats/rebuild", { buildType: "REFRESH", startTime: day, endTime: day + 86_400_000 });
    assert.deepEqual((await succeeded(admin, days.uuid, RUN_MS)).params, { days: ["2026-03-08"] });
    assert.equal((await acme.get(`/kylin/api/jobs/${days.uuid}`)).status, 404);
    assert.equal((await acme.put("/kylin/api/cubes/ad_stats/build", {})).status, 403);
    for (const body of [{ startTime: day, endTime: day }, { startTime: "soon" }]) {
      assert.equal((await acme.put("/kylin/api/cubes/daily/rebuild", body)).status, 422);
    }
    assert.deepEqual(await answers(), plain);
  });

  test("what cannot be", async () => {
    for (const name of ["ad_stats", "campaigns", "tables"]) isProblem(await admin.put(at(`/${name}`), DEFINITION), 422, "bad_cube", /name of a table/);
    isProblem(await admin.post(at("/daily/build"), { refresh: true, from: "2026-03-02", to: "2026-03-01" }), 422, "bad_range");
    isProblem(await admin.post(at("/daily/build"), { from: "2026-03-02", to: "2026-03-02" }), 422, "bad_range");
  });

  test("who may", async () => {
    const token = async (scope, role) => admin.as((await admin.post("/v1/tokens", { name: `${scope} ${role}`, role, scope })).json.token);
    const [analyst, globex] = [await token(SCOPE, "analyst"), await token("advertiser:globex", "admin")];
    assert.equal((await analyst.get("/v1/cubes")).json.cubes.length, 1);
    isProblem(await analyst.put("/v1/cubes/daily", DEFINITION), 403, "role_forbidden");
    isProblem(await analyst.post("/v1/cubes/daily/build"), 403, "role_forbidden");
    assert.deepEqual((await globex.get("/v1/cubes")).json.cubes, []);
    isProblem(await globex.get(at("")), 403, "foreign_scope");
    isProblem(await globex.post("/v1/cubes/daily/build"), 404, "cube_not_found");
    assert.deepEqual(await rows(globex, "SELECT DISTINCT advertiser FROM ad_stats", null), [["globex"]]);
    assert.deepEqual(await answers(analyst, null), plain);
  });

  test("off and on, advice, and away", async () => {
    for (const [action, route] of [["disable", /base cells/], ["enable", /cuboid daily/]]) {
      assert.equal((await admin.post(at(`/daily/${action}`))).status, 200);
      assert.match(await explain(STATEMENTS[1]), route);
      assert.deepEqual(await answers(), plain);
    }
    for (let i = 0; i < 20; i++) await rows(admin, STATEMENTS[7]);
    const { recommendations } = (await admin.get(at("/recommendations"))).json;
    assert.ok(recommendations.some(({ dimensions, saved_cells: saved }) => dimensions.includes("device") && saved > 0), JSON.stringify(recommendations));
    assert.equal((await admin.delete(at("/daily"))).status, 204);
    isProblem(await admin.delete(at("/daily")), 404, "cube_not_found");
    assert.deepEqual(await answers(), plain);
  });
});
