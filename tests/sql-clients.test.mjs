// The clients that BI tools use, as they come from PyPI, against the running worker.
//
// They are installed once into the user's cache; where they cannot be had, the tests are skipped and say so.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { naive, useServerWithTraffic } from "./traffic.mjs";

const run = promisify(execFile);
const PACKAGES = ["kylinpy==2.8.4", "trino==0.340.0", "SQLAlchemy<2", "pandas"];
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "adtally", "sql-clients");
const PYTHON = join(CACHE, "bin", "python");

/** Python with the clients, or why there is none. */
async function clients() {
  const stamp = join(CACHE, `adtally.${PACKAGES.join("_").replaceAll(/[^\w.]+/g, "-")}`);
  if (existsSync(stamp)) return undefined;
  try {
    await mkdir(CACHE, { recursive: true });
    await run("python3", ["-m", "venv", CACHE], { timeout: 120_000 });
    await run(PYTHON, ["-m", "pip", "install", "--quiet", ...PACKAGES], { timeout: 300_000 });
    await writeFile(stamp, "");
    return undefined;
  } catch (error) {
    return `the Python clients cannot be installed: ${String(error.stderr || error.message).trim().split("\n").at(-1)}`;
  }
}

const server = useServerWithTraffic();
const missing = await clients();
const byCampaign = naive({ by: ["campaign"] }).map(([campaign, impressions]) => [campaign, impressions]);
const ofKorea = naive({ by: ["campaign"], where: ({ dims }) => dims.country === "KR" }).map(([campaign, n]) => [campaign, n]);
const total = byCampaign.reduce((sum, [, n]) => sum + n, 0);

describe("stock clients", { skip: missing }, () => {
  let told;
  before(async () => {
    const { hostname, port } = new URL(server.url);
    const script = fileURLToPath(new URL("sql_clients.py", import.meta.url));
    const { stdout } = await run(PYTHON, [script, hostname, port, server.adminToken], { timeout: 120_000 }).catch((error) => {
      throw new Error(`${error.stderr}\n${error.stdout}`);
    });
    told = new Map(stdout.trim().split("\n").map((line) => JSON.parse(line)).map(({ name, value }) => [name, value]));
  });

  const is = (name, expected) => test(name, () => assert.deepEqual(told.get(name), expected));
  const fits = (name, about) => test(name, () => assert.match(told.get(name), about));
  const has = (name, part) => test(name, () => assert.deepEqual({ ...told.get(name), ...part }, told.get(name)));

  is("kylin authentication", "adtally");
  is("kylin projects", ["adtally"]);
  is("kylin tables", ["ad_stats", "ads", "advertisers", "campaigns", "placements", "services"]);
  has("kylin columns", { day: "DATE", hour: "TIMESTAMP", campaign: "VARCHAR", clicks: "BIGINT" });
  is("kylin datasources", ["ad_stats"]);
  test("kylin dimensions", () => assert.ok(told.get("kylin dimensions").includes("ad_stats.campaign")));
  has("kylin measures", { clicks: "SUM (ad_stats.clicks)", reach: "COUNT (DISTINCT ad_stats.user_key)" });
  is("kylin query", byCampaign.map(([campaign, n]) => [campaign, String(n)]));
  is("kylin limit", 2);
  fits("kylin error", /KylinQueryError.*line 1, column 8: there is no column "nothing"/);
  fits("kylin stranger", /UnauthorizedError/);
  is("kylin build", true);
  is("kylin jobs", true);
  is("kylin cubes", ["ad_stats", "daily"]);
  is("kylin cube", [["ad_stats.campaign", "ad_stats.country"], "daily"]);
  is("kylin pandas", [String(total), "int64"]);
  is("kylin dialect tables", ["ad_stats", "ads", "advertisers", "campaigns", "placements", "services"]);
  has("kylin dialect columns", { campaign: "VARCHAR", clicks: "BIGINT", day: "DATE" });
  is("kylin superset", true);

  is("trino query", byCampaign);
  is("trino description", [["campaign", "varchar"], ["n", "bigint"]]);
  is("trino parameters", [["it's", 1.5, null, byCampaign.find(([campaign]) => campaign === "acme-0")[1]]]);
  is("trino times", [["2026-03-06", "2026-03-06 20:00:00", "1.50", true]]);
  is("trino show", [[["adtally"]], [["ads"], ["information_schema"]], ["ad_stats", "ads", "advertisers", "campaigns", "placements", "services"].map((name) => [name]), 45]);
  is("trino prepared", [["it's", byCampaign.find(([campaign]) => campaign === "acme-0")[1]]]);
  is("trino described", [["campaign", "varchar"], ["n", "bigint"]]);
  is("trino transaction", [byCampaign, true]);
  is("trino zone", [[["2026-03-07", "2026-03-07 05:00:00"]], []]);
  is("trino zone of a parameter", [["2026-03-07 09:00:00"]]);
  fits("trino zone unknown", /TrinoUserError.*NOT_SUPPORTED.*Nowhere/);
  fits("trino property", /TrinoUserError.*INVALID_SESSION_PROPERTY/);
  is("trino nothing", []);
  fits("trino error", /TrinoUserError.*COLUMN_NOT_FOUND.*line 2, column 2/);
  fits("trino syntax", /TrinoUserError.*SYNTAX_ERROR/);
  fits("trino stranger", /401/);
  is("trino dialect schemas", ["ads", "information_schema"]);
  is("trino dialect tables", ["ad_stats", "ads", "advertisers", "campaigns", "placements", "services"]);
  has("trino dialect columns", { campaign: "VARCHAR", clicks: "BIGINT", day: "DATE", hour: "TIMESTAMP" });
  is("trino dialect query", ofKorea);
  is("trino pandas", [String(total), "int64"]);
});
