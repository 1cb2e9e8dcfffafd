// A real log of a fashion shop's recommendation slots (Open Bandit Dataset): what a naive count of the files says,
// the API, the command line tool and the pages say too. Also after kill -9 on the way, and after sending it all again.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

import { eventually } from "./api.mjs";
import { useBrowser } from "./browser.mjs";
import { useCli } from "./cli.mjs";
import { ROOT, useServer } from "./server.mjs";

const FOLDER = join(ROOT, "..", "shared", "data", "open-bandit");
const SKIP = existsSync(FOLDER) ? false : `NOT TESTED: the Open Bandit files are missing (${FOLDER})`;
const MAP = join(ROOT, "crates", "cli", "maps", "open-bandit.toml");
const CAMPAIGNS = ["random_men", "random_women"];
const WEEK = { scope: "advertiser:zozo", from: "2019-11-24", to: "2019-12-01", tz: "UTC" };

/** The map says: there is no click time in the data, each click is placed so long after its impression. */
const CLICK_AFTER_MS = 5_000;
const ROWS = 10_000;
const CLICKS = 46;

const fileOf = (campaign) => join(FOLDER, `${campaign}.csv`);

/** Rows [campaign, placement, day, impressions, clicks], counted from the text of the files. */
function naive(by) {
  const counts = new Map();
  const count = (values, metric) => {
    const key = JSON.stringify(by.map((name) => values[name]));
    const row = counts.get(key) ?? [0, 0];
    row[metric]++;
    counts.set(key, row);
  };
  for (const campaign of CAMPAIGNS) {
    const [header, ...lines] = readFileSync(fileOf(campaign), "utf8").trimEnd().split("\n");
    const column = Object.fromEntries(header.split(",").map((name, i) => [name, i]));
    for (const line of lines) {
      const cells = line.split(",");
      const at = Date.parse(cells[column.timestamp].replace(" ", "T"));
      const day = (ms) => `${new Date(ms).toISOString().slice(0, 10)}T00:00:00Z`;
      const placement = cells[column.position];
      count({ campaign, placement, day: day(at) }, 0);
      if (cells[column.click] === "1") count({ campaign, placement, day: day(at + CLICK_AFTER_MS) }, 1);
    }
  }
  return [...counts].map(([key, row]) => [...JSON.parse(key), ...row]).sort();
}

if (SKIP) test("the Open Bandit log", { skip: SKIP });
else describe("the Open Bandit log", openBandit);

function openBandit() {
  const server = useServer();
  const browser = useBrowser();
  const cli = useCli(server);
  const query = { ...WEEK, metrics: "impressions,clicks" };
  const impressions = async (campaign) =>
    (await server.admin.totals({ ...query, filter: `campaign:eq:${campaign}` })).impressions;

  /** The summary of a replay that sent everything. */
  const finished = async ({ ended }) => {
    const { status, stdout, stderr } = await ended;
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    return JSON.parse(stdout);
  };

  test("is what the data set says it is", () => {
    for (const [campaign, impressions, clicks] of naive(["campaign"])) {
      assert.deepEqual([impressions, clicks], [ROWS, CLICKS], campaign);
    }
  });

  test("is replayed through kill -9 of the server", async (t) => {
    const [men] = CAMPAIGNS;
    const replay = cli.replay(t, { files: [fileOf(men)], map: MAP, rate: 2_500, batch: 100 });
    await eventually(async () => assert.ok((await impressions(men)) > ROWS / 5), 30_000);
    await server.restart();
    assert.ok((await impressions(men)) < ROWS, "the kill came too late to test anything");
    const { rows, accepted, duplicates, rejected } = await finished(replay);
    assert.deepEqual([rows, accepted + duplicates, rejected], [ROWS, ROWS + CLICKS, 0]);
  });

  test("is replayed through kill -9 of the tool", async (t) => {
    const [, women] = CAMPAIGNS;
    const options = { files: [fileOf(women)], map: MAP, batch: 100 };
    const first = cli.replay(t, { ...options, rate: 2_500 });
    await eventually(async () => assert.ok((await impressions(women)) > ROWS / 5), 30_000);
    first.child.kill("SIGKILL");
    assert.equal((await first.ended).status, "SIGKILL");
    const { rows, rejected } = await finished(cli.replay(t, options));
    assert.ok(rows < ROWS * 0.9, `it continues, ${rows} rows were left`);
    assert.equal(rejected, 0);
  });

  const everywhere = () => {
    test("equals the API", async () => {
      for (const by of [["campaign"], ["campaign", "placement"], ["campaign", "day"], ["campaign", "placement", "day"]]) {
        await eventually(async () => {
          const answer = await server.admin.report({ ...query, by: by.join() });
          assert.deepEqual(answer.rows.sort(), naive(by), by.join());
          assert.deepEqual(answer.totals, { impressions: 2 * ROWS, clicks: 2 * CLICKS });
        });
      }
      const { linked_clicks } = await server.admin.totals({ ...WEEK, metrics: "linked_clicks" });
      assert.equal(linked_clicks, 2 * CLICKS);
    });

    test("equals what the tool verifies", async (t) => {
      const events = cli.file("events.ndjson");
      const written = await cli.start(t, "replay", ...CAMPAIGNS.map(fileOf), "--map", MAP, "--out", events).ended;
      assert.equal(written.status, 0, written.stderr);
      const verified = await cli.start(t, "verify", events, "--from", server.url, "--by", "campaign,placement,day").ended;
      assert.equal(verified.status, 0, verified.stdout + verified.stderr);
    });

    test("equals the Report page", async (t) => {
      const dashboard = await browser.open(t, server);
      const address = (by) => `/report?${new URLSearchParams({ ...query, by: by.join(), sort: by.join(), limit: 100 })}`;
      await dashboard.signIn(server.adminToken, address(["campaign"]));
      for (const by of [["campaign", "placement"], ["campaign", "day"]]) {
        await dashboard.visit(address(by));
        const shown = ({ rows }) => rows.map((row) => [...by.map((name) => row[name]), Number(row.impressions), Number(row.clicks)]);
        await eventually(async () => assert.deepEqual(shown(await dashboard.table()), naive(by)), 5_000);
        const { totals } = await dashboard.table();
        assert.deepEqual([totals.impressions, totals.clicks], [String(2 * ROWS), String(2 * CLICKS)]);
      }
    });
  };

  describe("once", everywhere);

  test("is replayed again: all duplicates", async (t) => {
    const before = (await server.admin.totals({ ...WEEK, metrics: "duplicates" })).duplicates;
    const summary = await finished(cli.replay(t, { files: CAMPAIGNS.map(fileOf), map: MAP }));
    const { rows, accepted, duplicates, rejected } = summary;
    assert.deepEqual([rows, accepted, duplicates, rejected], [2 * ROWS, 0, 2 * (ROWS + CLICKS), 0]);
    await eventually(async () => {
      const now = (await server.admin.totals({ ...WEEK, metrics: "duplicates" })).duplicates;
      assert.equal(now - before, 2 * (ROWS + CLICKS));
    });
  });

  describe("twice", everywhere);
}
