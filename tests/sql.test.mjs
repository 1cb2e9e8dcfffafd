// SQL: what reports say, statements say too; a token's statements see what is its own; what is too much is refused.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { isProblem } from "./api.mjs";
import { METRICS, RANGE, byText, naive, normal, useServerWithTraffic } from "./traffic.mjs";

const server = useServerWithTraffic();

const sql = (api, statement, params = [], more = {}) => api.post("/v1/sql", { sql: statement, params, ...more });

const rows = async (api, statement, params = [], more = {}) => {
  const answer = await sql(api, statement, params, more);
  assert.equal(answer.status, 200, `${statement}\n${answer.text}`);
  return answer.json.rows;
};

/** The API as somebody with a new token of this scope sees it. */
const seenBy = async (scope) => {
  const created = await server.admin.post("/v1/tokens", { name: scope, role: "analyst", scope });
  assert.equal(created.status, 201, created.text);
  return server.admin.as(created.json.token);
};

const SUMS = METRICS.map((metric) => `SUM(${metric})`).join(", ");
const WITHIN = `day >= '${RANGE.from}' AND day < '${RANGE.to}'`;

describe("statements agree with reports", () => {
  const cases = {
    "by advertiser": { by: ["advertiser"] },
    "by campaign and ad": { by: ["campaign", "ad"] },
    "by every dimension": { by: ["advertiser", "campaign", "ad", "service", "placement", "country", "device", "label"] },
    "by a dimension, filtered by another": { by: ["service"], where: "country = 'KR'", filter: "country:eq:KR" },
    "by country, without some": { by: ["country"], where: "ad NOT IN ('ad1') AND campaign LIKE 'acme%'", filter: ["ad:ne:ad1", "campaign:prefix:acme"] },
  };
  for (const [name, { by, where, filter }] of Object.entries(cases)) {
    test(name, async () => {
      const report = await server.admin.report({ ...RANGE, by: by.join(), metrics: METRICS.join(), filter, limit: 10_000 });
      const condition = where ? `${WITHIN} AND ${where}` : WITHIN;
      const found = await rows(server.admin, `SELECT ${by.join()}, ${SUMS} FROM ad_stats WHERE ${condition} GROUP BY ${by.join()}`);
      assert.deepEqual(found.sort(byText), normal(report).sort(byText));
      assert.ok(found.length > 0);
    });
  }

  for (const tz of ["UTC", "Asia/Seoul", "America/New_York", "Asia/Kolkata"]) {
    test(`by day and week in ${tz}`, async () => {
      for (const by of ["day", "week", "month"]) {
        const report = await server.admin.report({ ...RANGE, tz, by, metrics: METRICS.join() });
        const found = await rows(server.admin, `SELECT ${by}, ${SUMS} FROM ad_stats WHERE ${WITHIN} GROUP BY ${by} ORDER BY 1`, [], { tz });
        const cut = await rows(
          server.admin,
          `SELECT CAST(DATE_TRUNC('${by}', hour) AS DATE), ${SUMS} FROM ad_stats WHERE ${WITHIN} GROUP BY 1 ORDER BY 1`,
          [],
          { tz },
        );
        assert.deepEqual(cut, found);
        assert.deepEqual(found.map((row) => row.slice(1)), report.rows.map((row) => row.slice(1)));
      }
    });
  }

  test("users are counted as reach is", async () => {
    const report = await server.admin.report({ ...RANGE, by: "service", metrics: "reach" });
    for (const count of ["COUNT(DISTINCT user_key)", "APPROX_COUNT_DISTINCT(user_key)"]) {
      const found = await rows(server.admin, `SELECT service, ${count} FROM ad_stats WHERE ${WITHIN} GROUP BY service ORDER BY 1`);
      assert.deepEqual(found, report.rows.toSorted(byText));
    }
  });

  test("names of the catalog join by key", async () => {
    const put = await server.admin.put("/v1/campaigns/acme-0?advertiser=acme", { advertiser: "acme", name: "Zero" });
    assert.ok([200, 201].includes(put.status), put.text);
    const found = await rows(
      server.admin,
      `SELECT COALESCE(c.name, '-'), SUM(s.impressions) FROM ad_stats s
       LEFT JOIN campaigns c ON c.advertiser = s.advertiser AND c.campaign = s.campaign
       WHERE s.advertiser = 'acme' GROUP BY 1 ORDER BY 1`,
    );
    const of = (name) => naive({ where: ({ dims }) => dims.advertiser === "acme" && (dims.campaign === "acme-0") === (name === "Zero") })[0][0];
    assert.deepEqual(found, [["-", of("-")], ["Zero", of("Zero")]]);
  });
});

test("what an answer looks like", async () => {
  const answer = await sql(server.admin, "SELECT day, campaign AS c, SUM(clicks), SUM(clicks) * 0.5 AS half, COUNT(*) > 0 FROM ad_stats WHERE ad = ? GROUP BY 1, 2 ORDER BY 1, 2 LIMIT ?", ["ad1", 1]);
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(answer.json.columns, [
    { name: "day", type: "date" },
    { name: "c", type: "varchar" },
    { name: "_col3", type: "bigint" },
    { name: "half", type: "decimal" },
    { name: "_col5", type: "boolean" },
  ]);
  assert.equal(answer.json.row_count, 1);
  assert.match(answer.json.rows[0][0], /^2026-03-0\d$/);
  assert.match(answer.json.rows[0][3], /^\d+\.\d$/);
  const csv = await sql(server.admin, "SELECT '=1+1' AS a, 'x,\"y' AS b, NULL AS c, 7 AS d", [], { format: "csv" });
  assert.match(csv.headers.get("content-type"), /^text\/csv/);
  assert.equal(csv.text, "a,b,c,d\r\n'=1+1,\"x,\"\"y\",,7\r\n");
  const explained = await rows(server.admin, "EXPLAIN SELECT campaign, SUM(clicks) FROM ad_stats GROUP BY campaign");
  assert.match(explained.flat().join("\n"), /added up: .*by=campaign/);
});

test("a zone that there is not is an error of the statement to clients of Trino", async () => {
  const asked = async (headers) => {
    const answer = await server.admin.post("/v1/statement", "SELECT 1", headers);
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  };
  const refused = await asked({ "x-trino-session": "time_zone_id=Nowhere" });
  assert.equal(refused.stats.state, "FAILED");
  assert.deepEqual([refused.error.errorName, refused.error.errorType], ["NOT_SUPPORTED", "USER_ERROR"]);
  assert.match(refused.error.message, /Nowhere/);
  // The zone of the machine that a driver runs on means nothing here.
  assert.deepEqual((await asked({ "x-trino-time-zone": "Nowhere" })).data, [[1]]);
});

// SQL-2
describe("a token's statements see what is its own", () => {
  test("an advertiser", async () => {
    const acme = await seenBy("advertiser:acme");
    assert.deepEqual(await rows(acme, "SELECT DISTINCT advertiser FROM ad_stats"), [["acme"]]);
    const [expected] = naive({ where: ({ dims }) => dims.advertiser === "acme" });
    assert.deepEqual(await rows(acme, `SELECT ${SUMS} FROM ad_stats`), [expected]);
    for (const condition of ["1 = 1", "advertiser = 'globex' OR 1 = 1", "advertiser IN ('acme', 'globex')", "NOT (advertiser = 'acme') OR true"]) {
      assert.deepEqual(await rows(acme, `SELECT ${SUMS} FROM ad_stats WHERE ${condition}`), [expected], condition);
    }
    assert.deepEqual(await rows(acme, "SELECT COUNT(*) FROM ad_stats WHERE advertiser = 'globex'"), [[0]]);
    assert.deepEqual(await rows(acme, "SELECT COUNT(*) FROM campaigns WHERE advertiser <> 'acme'"), [[0]]);
    assert.deepEqual(await rows(acme, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'ads' ORDER BY 1"), [
      ["ad_stats"], ["ads"], ["advertisers"], ["campaigns"],
    ]);
    isProblem(await sql(acme, "SELECT * FROM services"), 422, "sql_unknown_table", /services/);
    isProblem(await acme.request("POST", "/v1/sql", { params: { scope: "advertiser:globex" }, body: { sql: "SELECT 1" } }), 403, "foreign_scope");
  });

  test("a service, which knows no campaign and no value", async () => {
    const map = await seenBy("service:map");
    const [expected] = naive({ where: ({ dims }) => dims.service === "map" });
    assert.deepEqual(await rows(map, `SELECT ${SUMS} FROM ad_stats`), [expected]);
    assert.deepEqual(await rows(map, "SELECT DISTINCT service FROM ad_stats"), [["map"]]);
    for (const hidden of ["campaign", "ad", "label", "value_micros"]) {
      isProblem(await sql(map, `SELECT ${hidden} FROM ad_stats`), 422, "sql_unknown_column", new RegExp(`line 1, column 8: .*"${hidden}"`));
    }
    isProblem(await sql(map, "SELECT * FROM campaigns"), 422, "sql_unknown_table");
    const shown = (await sql(map, "SELECT * FROM ad_stats LIMIT 1")).json.columns.map(({ name }) => name);
    assert.ok(!shown.includes("campaign") && !shown.includes("value_micros") && shown.includes("placement"));
  });

  test("others see nothing", async () => {
    isProblem(await sql(server.admin.as(undefined), "SELECT 1"), 401, "unauthorized");
    isProblem(await sql(server.sender, "SELECT 1"), 403, "role_forbidden");
  });
});

describe("hostile statements", () => {
  const refused = (statement, code, about) => async () => isProblem(await sql(server.admin, statement), 422, code, about);
  const cases = {
    "DROP": ["DROP TABLE ad_stats", "sql_read_only", /line 1, column 1: DROP/],
    "DELETE": ["DELETE FROM ad_stats", "sql_read_only"],
    "INSERT in WITH": ["WITH x AS (INSERT INTO ads VALUES (1)) SELECT * FROM x", "sql_read_only"],
    "two statements": ["SELECT 1; DELETE FROM ads", "sql_syntax", /column 11/],
    "the store's own tables": ["SELECT * FROM sqlite_master", "sql_unknown_table"],
    "the token table": ["SELECT * FROM tokens", "sql_unknown_table"],
    "a function of files": ["SELECT readfile('/etc/passwd')", "sql_unknown_function"],
    "an unknown column": ["SELECT SUM(clicks),\n  nothing FROM ad_stats", "sql_unknown_column", /line 2, column 3/],
    "nested brackets": [`SELECT ${"(".repeat(2_000)}1${")".repeat(2_000)}`, "sql_too_complex"],
    "nested queries": [`SELECT * FROM ${"(SELECT * FROM ".repeat(300)}ads${")".repeat(300)}`, "sql_too_complex"],
    "a long chain": [`SELECT 1${" + 1".repeat(20_000)}`, "sql_too_complex"],
    "a chain of NOT": [`SELECT ${"NOT ".repeat(5_000)}true`, "sql_too_complex"],
    "a chain of CASE": [`SELECT ${"CASE WHEN true THEN ".repeat(1_000)}1${" END".repeat(1_000)}`, "sql_too_complex"],
    "a chain of minus": [`SELECT ${"- ".repeat(5_000)}1`, "sql_too_complex"],
    "a chain of UNION": [`SELECT 1${" UNION ALL SELECT 1".repeat(2_000)}`, "sql_too_complex"],
    "a statement of a megabyte": [`SELECT '${"x".repeat(300_000)}'`, "sql_too_complex"],
    "WITH that doubles": [
      `WITH t0 AS (SELECT 1 AS a)${Array.from({ length: 30 }, (_, i) => `, t${i + 1} AS (SELECT a FROM t${i} UNION ALL SELECT a FROM t${i})`).join("")} SELECT COUNT(*) FROM t30`,
      "sql_too_complex",
    ],
    "a cube of many columns": ["SELECT 1 FROM ad_stats GROUP BY CUBE (advertiser, campaign, ad, service, placement, country, device, label)", "sql_too_complex"],
    "an unknown user": ["SELECT user_key FROM ad_stats", "sql_type_mismatch", /COUNT\(DISTINCT/],
    "users by a back door": ["SELECT MAX(user_key) FROM ad_stats", "sql_type_mismatch"],
    "users in an order": ["SELECT ad FROM ad_stats ORDER BY user_key", "sql_type_mismatch"],
    "a text that grows": [
      `SELECT LENGTH(REPLACE(REPLACE('${"a".repeat(1_000)}', 'a', '${"a".repeat(1_000)}'), 'a', '${"a".repeat(300)}'))`,
      "sql_too_much_work",
      /line 1, column 23: makes a text of 1000000 bytes/,
    ],
    "a text that doubles": [
      `WITH t0 AS (SELECT '${"a".repeat(1_000)}' AS x)${Array.from({ length: 30 }, (_, i) => `, t${i + 1} AS (SELECT x || x AS x FROM t${i})`).join("")} SELECT LENGTH(x) FROM t30`,
      "sql_too_much_work",
    ],
    "long texts in every column": [
      `SELECT ${Array.from({ length: 400 }, (_, i) => `REPLACE(x, 'a', 'bb${i}')`).join()} FROM (SELECT '${"a".repeat(50_000)}' AS x) t`,
      "sql_too_many_rows",
    ],
    "a text replaced for many rows": [`SELECT SUM(LENGTH(REPLACE('${"b".repeat(60_000)}' || s.ad, 'b', 'c'))) FROM ad_stats s, ad_stats t`, "sql_too_much_work"],
    "a long pattern": [`SELECT COUNT(*) FROM ad_stats s, ad_stats t WHERE '${"ab".repeat(40_000)}' || s.ad LIKE '${"%a".repeat(20)}c'`, "sql_too_much_work"],
    "a slow pattern": [`SELECT COUNT(*) FROM ad_stats s, ad_stats t WHERE '${"a".repeat(40_000)}' || s.ad LIKE '${"%a_".repeat(20)}c'`, "sql_too_much_work"],
    "a sub-query that depends on the row": ["SELECT name FROM campaigns c WHERE EXISTS (SELECT 1 FROM ads a WHERE a.campaign = c.campaign)", "sql_not_supported", /column 85: .*around it/],
    "a number that is too large": ["SELECT 1, 9223372036854775807 + 1", "sql_overflow", /line 1, column 33/],
    "a day that is none": ["SELECT COUNT(*) FROM ad_stats WHERE day = 'x'", "sql_bad_value", /line 1, column 43/],
  };
  for (const [name, [statement, code, about]] of Object.entries(cases)) test(name, refused(statement, code, about));

  test("cross joins end", { timeout: 120_000 }, async () => {
    const joins = {
      three: "SELECT COUNT(*) FROM ad_stats a, ad_stats b, ad_stats c",
      four: "SELECT COUNT(*) FROM ad_stats a, ad_stats b, ad_stats c, ad_stats d WHERE a.clicks + b.clicks + c.clicks + d.clicks < 0",
      grouped: "SELECT a.campaign, b.country, COUNT(*) FROM ad_stats a, ad_stats b, ad_stats c GROUP BY CUBE (a.campaign, b.country, c.device)",
      sorted: "SELECT a.ad FROM ad_stats a, ad_stats b, ad_stats c ORDER BY a.clicks + b.clicks, c.ad LIMIT 1",
    };
    for (const [name, statement] of Object.entries(joins)) {
      const start = Date.now();
      const answer = await sql(server.admin, statement);
      isProblem(answer, 422, answer.json?.code);
      assert.match(answer.json.code, /^sql_too_(much_work|many_rows)$/, name);
      // Ten seconds, and as many again for a machine that has other things to do.
      assert.ok(Date.now() - start < 20_000, `${name}: ${Date.now() - start} ms`);
    }
    isProblem(await sql(server.admin, "SELECT a.ad FROM ad_stats a, ad_stats b, ad_stats c"), 422, "sql_too_many_rows");
    // Nothing is left of it.
    assert.deepEqual(await rows(server.admin, "SELECT 1 + 1"), [[2]]);
  });

  test("a list of ten thousand names is answered", async () => {
    const list = Array.from({ length: 9_000 }, (_, i) => `'a${i}'`).join();
    const [[count]] = await rows(server.admin, `SELECT SUM(impressions) FROM ad_stats WHERE ad IN ('ad1', ${list})`);
    assert.equal(count, naive({ where: ({ dims }) => dims.ad === "ad1" })[0][0]);
    isProblem(await sql(server.admin, `SELECT 1 FROM ads WHERE ad IN (${Array.from({ length: 30_000 }, (_, i) => i).join()})`), 422, "sql_too_complex");
  });

  test("parameters are values, never text", async () => {
    const evil = "x' OR '1'='1";
    assert.deepEqual(await rows(server.admin, "SELECT COUNT(*) FROM ad_stats WHERE ad = ?", [evil]), [[0]]);
    assert.deepEqual(await rows(server.admin, "SELECT ?", [evil]), [[evil]]);
    isProblem(await sql(server.admin, "SELECT ?, ?", [1]), 422, "sql_parameters");
    isProblem(await sql(server.admin, "SELECT 1", [1]), 422, "sql_parameters");
    isProblem(await sql(server.admin, "SELECT ?", [{ a: 1 }]), 422, "sql_parameters");
    isProblem(await server.admin.post("/v1/sql", { sql: "SELECT 1", sqll: 1 }), 422, "sql_parameters", /sqll/);
    isProblem(await server.admin.request("POST", "/v1/sql", { body: "SELECT 1" }), 400, "bad_json");
    isProblem(await sql(server.admin, "SELECT 1", [], { tz: "Mars/Olympus" }), 422, "sql_bad_value", /Mars/);
  });
});
