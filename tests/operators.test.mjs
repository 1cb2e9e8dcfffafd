// What operators do all day: runs of jobs as a grid, starting them, advertisers, tokens; and panels by keyboard alone.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { describe, test } from "node:test";

import { eventually } from "./api.mjs";
import { useBrowser } from "./browser.mjs";
import { batch, start, ended } from "./nightly.mjs";
import { RANGE, useServerWithTraffic } from "./traffic.mjs";

const MARCH = "from=2026-03-01&to=2026-04-01&tz=UTC";
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const DESKTOP = { viewport: { width: 1440, height: 900 } };
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

const server = useServerWithTraffic();
const browser = useBrowser();

async function signedIn(t, path, options) {
  const dashboard = await browser.open(t, server, options);
  await dashboard.signIn(server.adminToken, path);
  return dashboard;
}

const echo = (id, needs = [], params = {}) => ({ id, kind: "echo", needs, params });

async function define(name, tasks) {
  const answer = await server.admin.put(`/v1/jobs/definitions/${name}`, { tasks });
  assert.equal(answer.status, 200, answer.text);
}

/** What has the focus: its data, and whether it is the body. */
const focused = (dashboard) =>
  dashboard.page.evaluate(() => ({ ...document.activeElement.dataset, tag: document.activeElement.localName, id: document.activeElement.id }));

/** Elements that are wholly in sight, and in whatever scrolls around them. */
const inSight = (locator) =>
  locator.evaluate((element) => {
    const { left, right, width } = element.getBoundingClientRect();
    const scroller = element.closest(".table-scroll")?.getBoundingClientRect() ?? { left: 0, right: innerWidth };
    return width > 0 && left >= scroller.left - 1 && right <= Math.min(scroller.right, innerWidth) + 1;
  });

async function axe(dashboard) {
  await dashboard.page.evaluate(await readFile(AXE, "utf8"));
  const { violations } = await dashboard.page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  return serious.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(" | ")}`);
}

describe("the grid of a job's runs", () => {
  const leaf = (id, params = {}) => ({ id, params });

  /** Two runs: in the second a task and one of three that were spawned fail. */
  async function prepared(name) {
    const tasks = (last, spawned) => [
      echo("alive", [], { say: "{{day}}", spawn: [leaf("part:1"), leaf("part:2", spawned), leaf("part:3")] }),
      echo("file", [], { say: "file" }),
      echo("tell", ["file"], last),
      echo("after all", ["tell"]),
    ];
    await define(name, tasks({ say: "told" }, {}));
    const first = await ended(server.admin, await start(server.admin, { job: name, days: ["2026-03-07"] }));
    await define(name, tasks({ fail: "nobody listens" }, { fail: "no part" }));
    const second = await ended(server.admin, await start(server.admin, { job: name, days: ["2026-03-08"] }));
    assert.deepEqual([first.state, second.state], ["succeeded", "failed"]);
    return [first, second];
  }

  const grid = (dashboard) =>
    dashboard.find("matrix-cell").evaluateAll((cells) => cells.map((cell) => [cell.dataset.row, cell.dataset.run, cell.dataset.state, cell.innerText.trim()]));

  test("has a row for each task or group, a column for each run, and a state in words", async (t) => {
    const [first, second] = await prepared("morning");
    const dashboard = await signedIn(t, `/jobs?${MARCH}`, { bypassCSP: true });
    await dashboard.find("matrix-job").selectOption("morning");
    const expected = [
      ["alive", first.run, "succeeded", ""],
      ["alive", second.run, "succeeded", ""],
      ["file", first.run, "succeeded", ""],
      ["file", second.run, "succeeded", ""],
      ["tell", first.run, "succeeded", ""],
      ["tell", second.run, "failed", ""],
      ["part", first.run, "succeeded", "3"],
      ["part", second.run, "failed", "1"],
      ["after all", first.run, "succeeded", ""],
      ["after all", second.run, "upstream_failed", ""],
    ];
    await eventually(async () => assert.deepEqual(await grid(dashboard), expected), 10_000);
    assert.equal(dashboard.query().get("job"), "morning");
    const group = dashboard.page.locator(`[data-testid="matrix-cell"][data-row="part"][data-run="${second.run}"]`);
    assert.equal(await group.getAttribute("aria-label"), `part in ${second.run}: 1 failed, 2 succeeded`);
    assert.deepEqual(await axe(dashboard), []);
    // Those of a group, what failed above.
    await group.click();
    const tasks = dashboard.find("group-task");
    await tasks.first().waitFor();
    assert.deepEqual(await tasks.allInnerTexts(), ["part:2", "part:1", "part:3"]);
    await tasks.first().click();
    await dashboard.find("task-log").waitFor();
    assert.equal(dashboard.query().get("task"), `${second.run}/part:2`);
    assert.deepEqual(await axe(dashboard), []);
    // Which run, about which day.
    assert.deepEqual((await dashboard.find("run-about").allInnerTexts()).slice(0, 2), ["2026-03-08", "2026-03-07"]);
  });

  test("is walked through by arrow keys, and a panel gives the focus back", async (t) => {
    const [first, second] = await prepared("keys");
    const dashboard = await signedIn(t, `/jobs?${MARCH}&job=keys`);
    const cell = (row, run) => dashboard.page.locator(`[data-testid="matrix-cell"][data-row="${row}"][data-run="${run}"]`);
    await cell("tell", second.run).waitFor();
    // One stop for the keyboard: the latest run.
    const stops = dashboard.page.locator('[data-testid="matrix-grid"] button[tabindex="0"]');
    assert.deepEqual(await stops.evaluateAll((stops) => stops.map(({ dataset }) => [dataset.testid, dataset.run])), [["matrix-run", second.run]]);
    await stops.focus();
    const press = async (key, row, run) => {
      await dashboard.page.keyboard.press(key);
      const at = await focused(dashboard);
      assert.deepEqual([at.row, at.run], [row, run], key);
    };
    await press("ArrowDown", "alive", second.run);
    await press("ArrowLeft", "alive", first.run);
    await press("ArrowUp", undefined, first.run);
    await press("ArrowDown", "alive", first.run);
    await press("ArrowDown", "file", first.run);
    await press("ArrowDown", "tell", first.run);
    await press("End", "tell", second.run);
    assert.equal(await stops.count(), 1);

    await dashboard.page.keyboard.press("Enter");
    await dashboard.find("task-log").waitFor();
    assert.equal((await focused(dashboard)).testid, "task-panel");
    await dashboard.page.keyboard.press("Escape");
    await dashboard.find("task-panel").waitFor({ state: "detached" });
    const back = await focused(dashboard);
    assert.deepEqual([back.testid, back.row, back.run], ["matrix-cell", "tell", second.run]);
    // The cross does the same.
    await dashboard.page.keyboard.press("Enter");
    await dashboard.find("close-task").click();
    await dashboard.find("task-panel").waitFor({ state: "detached" });
    assert.equal((await focused(dashboard)).row, "tell");
    // Opened by a link, there is nothing to go back to but the page.
    await dashboard.visit(`/jobs?${MARCH}&job=keys&task=${second.run}/tell`);
    await dashboard.find("task-log").waitFor();
    await eventually(async () => assert.equal((await focused(dashboard)).testid, "task-panel"), 5_000);
    await dashboard.page.keyboard.press("Escape");
    await dashboard.find("task-panel").waitFor({ state: "detached" });
    assert.equal((await focused(dashboard)).id, "content");
  });

  test("tells of a task what it was told, waited for, took and left", async (t) => {
    const [first, second] = await prepared("told");
    const dashboard = await signedIn(t, `/jobs?from=2026-03-01&to=2026-04-01&tz=Asia/Seoul&task=${second.run}/tell`);
    const panel = dashboard.find("task-panel");
    await dashboard.find("task-log").waitFor();
    const text = await panel.innerText();
    assert.match(text, /nobody listens/);
    assert.match(text, /Times in Asia\/Seoul/);
    assert.doesNotMatch(text, /\bnull\b|\dT\d\d:\d\d:\d\d/);
    assert.deepEqual(JSON.parse(await dashboard.find("task-params").innerText()), { fail: "nobody listens" });
    assert.equal(await dashboard.find("task-result").innerText(), "Nothing");
    assert.match(await dashboard.find("task-took").innerText(), /^[\d.]+ m?s$/);
    const { json } = await server.admin.get(`/v1/jobs/${second.run}/tasks/tell`);
    const minute = new Intl.DateTimeFormat("en-US", { timeZone: "Asia/Seoul", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(json.started));
    assert.ok((await dashboard.find("task-started").innerText()).includes(minute));
    // What it waits for is a way there.
    await dashboard.find("task-needs").locator("button").click();
    await eventually(async () => assert.equal(dashboard.query().get("task"), `${second.run}/file`), 5_000);
    await eventually(async () => assert.deepEqual(JSON.parse(await dashboard.find("task-result").innerText()).said, "file"), 5_000);
    await dashboard.find("task-run").click();
    await dashboard.find("graph").waitFor();
    assert.equal(dashboard.query().get("run"), second.run);
    await dashboard.visit(`/jobs?${MARCH}&task=${first.run}/tell`);
    await eventually(async () => assert.equal(JSON.parse(await dashboard.find("task-result").innerText()).said, "told"), 10_000);
  });

  test("has the runs of many tasks too, and scrolls on a phone", async (t) => {
    const parts = Array.from({ length: 120 }, (_, i) => leaf(`part:${i}`));
    await define("many", [echo("split", [], { spawn: parts })]);
    const { run, tasks } = await ended(server.admin, await start(server.admin, { job: "many" }));
    assert.equal(tasks.length, 121);
    const { json } = await server.admin.get("/v1/jobs", { job: "many" });
    assert.deepEqual(json.runs[0].tasks, []);
    const dashboard = await signedIn(t, `/jobs?${MARCH}&job=many`, { ...PHONE, locale: "ko-KR" });
    const group = dashboard.page.locator(`[data-testid="matrix-cell"][data-row="part"][data-run="${run}"]`);
    await group.waitFor();
    assert.equal((await group.innerText()).trim(), "120");
    assert.equal(await group.getAttribute("aria-label"), `${run}의 part: 성공 120`);
    assert.ok(await inSight(group));
    assert.deepEqual(await dashboard.stickingOut(), []);
  });
});

describe("jobs of one's own", () => {
  test("are started and run for days from the page", async (t) => {
    await define("plain", [echo("only", [], { say: "{{day}}" })]);
    await define("asking", [echo("only", [], { say: "{{who}} of {{day}}" })]);
    const dashboard = await signedIn(t, `/jobs?${MARCH}`);
    const line = (job) => dashboard.page.locator(`[data-testid="job"][data-job="${job}"]`);
    const runs = async (job) => (await server.admin.get("/v1/jobs", { job })).json.runs;
    await dashboard.find("run-job", line("plain")).click();
    await eventually(async () => assert.deepEqual((await runs("plain")).map(({ state }) => state), ["succeeded"]), 20_000);
    assert.match(await dashboard.find("started").innerText(), /plain-1/);

    await dashboard.find("backfill-job").selectOption("plain");
    await dashboard.find("backfill-from").fill("2026-03-07");
    await dashboard.find("backfill-to").fill("2026-03-08");
    await dashboard.find("backfill").click();
    await eventually(async () => assert.deepEqual((await runs("plain")).map(({ params }) => params.day).slice(0, 2).sort(), ["2026-03-07", "2026-03-08"]), 20_000);

    // One that asks for a value: the form is ready for it.
    await dashboard.find("run-job", line("asking")).click();
    await eventually(async () => assert.deepEqual([(await focused(dashboard)).testid, (await focused(dashboard)).name], ["run-param", "who"]), 5_000);
    assert.equal((await runs("asking")).length, 0);
    await dashboard.page.keyboard.type("acme");
    await dashboard.find("backfill-from").fill("2026-03-09");
    await dashboard.find("backfill-to").fill("2026-03-09");
    await dashboard.find("backfill").click();
    await eventually(async () => assert.deepEqual((await runs("asking")).map(({ params }) => params), [{ day: "2026-03-09", who: "acme" }]), 20_000);

    // A backup is about everything.
    await dashboard.find("backfill-job").selectOption("backup");
    await dashboard.find("backfill-from").waitFor({ state: "detached" });
  });

  test("are only looked at by an analyst", async (t) => {
    const { json } = await server.admin.post("/v1/tokens", { name: "t", role: "analyst", scope: "platform" });
    const dashboard = await browser.open(t, server);
    await dashboard.signIn(json.token, `/jobs?${MARCH}`);
    await dashboard.find("job").first().waitFor();
    for (const id of ["run-job", "pause", "backfill", "run-batch"]) assert.equal(await dashboard.find(id).count(), 0, id);
  });
});

describe("an advertiser", () => {
  test("is made on the page, with all that the API has, and is no other's", async (t) => {
    const dashboard = await signedIn(t, `/settings?${MARCH}`, { bypassCSP: true });
    const card = dashboard.find("new-advertiser");
    const fill = (id, text) => dashboard.find(id, card).fill(text);
    await fill("advertiser-key", "acme");
    await dashboard.find("create-advertiser").click();
    // Known by its events alone it may be put into the catalog, which the next step does.
    await dashboard.find("advertiser-made").waitFor();
    await dashboard.page.reload();
    await fill("advertiser-key", "new/shop");
    await fill("advertiser-name", "New Shop");
    await fill("advertiser-currency", "krw");
    await dashboard.find("advertiser-timezone", card).selectOption("Asia/Seoul");
    await fill("advertiser-shards", "4");
    await fill("click-window", "1.5");
    await fill("conversion-view-window", "48");
    await fill("repeat-click", "x");
    await dashboard.find("create-advertiser").click();
    await eventually(async () => assert.match(await dashboard.find("refused").innerText(), /“x”/), 5_000);
    await fill("repeat-click", "0.5");
    await fill("repeat-impression", "60");
    await dashboard.find("create-advertiser").click();
    await dashboard.find("advertiser-made").waitFor();
    const { json } = await server.admin.get("/v1/advertisers/new%2Fshop");
    assert.deepEqual(json, {
      key: "new/shop",
      name: "New Shop",
      currency: "KRW",
      timezone: "Asia/Seoul",
      shards: 4,
      click_window_ms: 5_400_000,
      conversion_click_window_ms: 2_592_000_000,
      conversion_view_window_ms: 172_800_000,
      repeat_click_ms: 500,
      repeat_conversion_ms: 0,
      repeat_impression_ms: 60_000,
    });
    assert.deepEqual(await axe(dashboard), []);
    // Another one of that id would change this one.
    await eventually(async () => {
      await dashboard.find("create-advertiser").click();
      assert.match(await dashboard.find("refused").innerText(), /new\/shop already/);
    }, 10_000);
    await dashboard.find("advertiser-made").locator("a").click();
    const own = dashboard.find("advertiser-settings");
    await own.waitFor();
    assert.equal(await dashboard.find("advertiser-timezone", own).inputValue(), "Asia/Seoul");
    await dashboard.find("advertiser-timezone", own).selectOption("Europe/Berlin");
    await dashboard.find("repeat-conversion", own).fill("30");
    await dashboard.find("save-advertiser").click();
    await dashboard.find("saved", own).waitFor();
    const changed = (await server.admin.get("/v1/advertisers/new%2Fshop")).json;
    assert.deepEqual(changed, { ...json, timezone: "Europe/Berlin", repeat_conversion_ms: 30_000 });
  });

  test("is made by who operates the platform alone", async (t) => {
    const { json } = await server.admin.post("/v1/tokens", { name: "t", role: "admin", scope: "advertiser:acme" });
    const dashboard = await browser.open(t, server);
    await dashboard.signIn(json.token, "/settings");
    await dashboard.find("advertiser-settings").waitFor();
    assert.equal(await dashboard.find("new-advertiser").count(), 0);
  });
});

describe("tokens", () => {
  test("are revoked where they are seen, on a desktop and a phone", async (t) => {
    for (const [name, options] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
      const made = await server.admin.post("/v1/tokens", { name: `of a long name on a ${name}`, role: "analyst", scope: "advertiser:haneul-books-and-more" });
      const dashboard = await signedIn(t, "/settings?scope=advertiser:acme", options);
      const row = dashboard.page.locator(`[data-testid="token-row"][data-id="${made.json.id}"]`);
      const revoke = dashboard.find("revoke", row);
      await revoke.scrollIntoViewIfNeeded();
      assert.ok(await inSight(revoke), name);
      assert.ok(await inSight(row.locator("td").nth(2)), name);
      assert.deepEqual(await dashboard.stickingOut(), []);
      await revoke.click();
      const reads = () => server.admin.as(made.json.token).get("/v1/session").then(({ status }) => status);
      for (const id of ["revoke-not", "revoke-sure"]) assert.ok(await inSight(dashboard.find(id, row)), `${id} on a ${name}`);
      assert.deepEqual(await dashboard.stickingOut(), []);
      await dashboard.find("revoke-not", row).click();
      await revoke.waitFor();
      assert.equal(await reads(), 200);
      await revoke.click();
      await dashboard.find("revoke-sure", row).click();
      await row.waitFor({ state: "detached" });
      assert.equal((await server.admin.as(made.json.token).get("/v1/session")).status, 401);
    }
  });

  test("are revoked with the keyboard alone, in Korean too, when that is said twice", async (t) => {
    for (const [locale, sure] of [["en-US", "Revoke for good"], ["ko-KR", "완전히 폐기"]]) {
      const made = await server.admin.post("/v1/tokens", { name: `by keys ${locale}`, role: "analyst", scope: "platform" });
      const reads = () => server.admin.as(made.json.token).get("/v1/session").then(({ status }) => status);
      const dashboard = await signedIn(t, "/settings", { locale });
      const row = dashboard.page.locator(`[data-testid="token-row"][data-id="${made.json.id}"]`);
      const { keyboard } = dashboard.page;
      const focusIs = (id) => eventually(async () => assert.equal((await focused(dashboard)).testid, id), 5_000);
      await dashboard.find("revoke", row).press("Enter");
      await focusIs("revoke-not");
      await keyboard.press("Escape");
      await focusIs("revoke");
      assert.equal(await reads(), 200);
      await keyboard.press("Enter");
      await focusIs("revoke-not");
      assert.match(await row.getByRole("group").getAttribute("aria-label"), /by keys/);
      await keyboard.press("Tab");
      await focusIs("revoke-sure");
      assert.equal(await dashboard.find("revoke-sure", row).innerText(), sure);
      await keyboard.press("Enter");
      await row.waitFor({ state: "detached" });
      assert.equal(await reads(), 401);
      assert.match(await dashboard.find("revoked").innerText(), /by keys/);
      assert.equal((await focused(dashboard)).tag, "h2", "the focus is not lost");
    }
  });

  test("are for a scope that is chosen, or whose key is typed where the catalog does not know it", async (t) => {
    await server.admin.put("/v1/advertisers/acme", { name: "Acme" });
    await server.admin.put("/v1/services/daily", { name: "The Daily" });
    const dashboard = await signedIn(t, "/settings");
    const make = async (name, scope, key) => {
      await dashboard.find("token-name").fill(name);
      await dashboard.find("token-scope").selectOption(scope);
      assert.equal(await dashboard.find("token-key").count(), key ? 1 : 0);
      if (key) await dashboard.find("token-key").fill(key);
      await dashboard.find("make-token").click();
      const row = dashboard.find("token-row").filter({ hasText: name });
      await row.waitFor();
      return [await row.getAttribute("data-scope"), (await row.locator("td").nth(2).innerText()).split("\n")[0]];
    };
    await dashboard.find("token-scope").locator('option[value="advertiser:acme"]').waitFor({ state: "attached" });
    assert.deepEqual(await make("for all", "platform"), ["platform", "Whole platform"]);
    assert.deepEqual(await make("of an advertiser", "advertiser:acme"), ["advertiser:acme", "Acme"]);
    assert.deepEqual(await make("of a service", "service:daily"), ["service:daily", "The Daily"]);
    assert.deepEqual(await make("to come", "advertiser:", "not/yet"), ["advertiser:not/yet", "not/yet"]);
  });

  test("that cannot be listed are an error, and can be asked for again", async (t) => {
    const dashboard = await browser.open(t, server);
    dashboard.expected.push(/status of 500/);
    let broken = true;
    await dashboard.page.route("**/v1/tokens", (route) => (broken ? route.fulfill({ status: 500, body: "no" }) : route.continue()));
    await dashboard.signIn(server.adminToken, "/settings");
    const tokens = dashboard.find("tokens");
    await dashboard.find("state-error", tokens).waitFor();
    assert.equal(await dashboard.find("token-row").count(), 0);
    broken = false;
    await dashboard.find("retry", tokens).click();
    await dashboard.find("state-error", tokens).waitFor({ state: "detached" });
  });
});

test("a change of a published figure shows what it is of, was, is, and why, at every width", async (t) => {
  await batch(server.admin);
  await server.sender.collect([{ id: "too-late", kind: "impression", advertiser: "acme", campaign: "a-campaign-of-a-long-name", ad: "late-ad", service: "a-service-of-a-long-name", placement: "top", country: "KR", device: "mobile", at: "2026-03-07T01:10:00Z" }]);
  await eventually(async () => {
    const { impressions } = await server.admin.totals({ ...RANGE, scope: "advertiser:acme", metrics: "impressions", filter: "ad:eq:late-ad" });
    assert.equal(impressions, 1);
  }, 10_000);
  await batch(server.admin);
  for (const [name, options] of Object.entries({ desktop: DESKTOP, narrow: { viewport: { width: 1100, height: 800 } }, phone: { ...PHONE, locale: "ko-KR" } })) {
    const dashboard = await signedIn(t, `/restatements?${MARCH}`, { ...options, bypassCSP: true });
    const row = dashboard.find("restatement").first();
    await row.waitFor();
    for (const part of [".hour", ".of", ".figure", ".was", ".is", ".why", ".published"]) {
      assert.ok(await inSight(row.locator(part)), `${name} ${part}`);
    }
    assert.match(await dashboard.find("zone-note").innerText(), /UTC/);
    assert.deepEqual(await dashboard.stickingOut(), []);
    assert.deepEqual(await axe(dashboard), []);
  }
});

test("a story gives the focus back to the event that opened it, though the list was written anew", async (t) => {
  const dashboard = await signedIn(t, `/events?scope=advertiser:acme&${MARCH}`);
  const rows = dashboard.find("event-row");
  await rows.first().waitFor();
  const row = rows.nth(2);
  const id = await row.getAttribute("data-id");
  await row.locator("button").focus();
  await dashboard.page.keyboard.press("Enter");
  await dashboard.find("timeline").waitFor();
  assert.equal((await focused(dashboard)).testid, "story");
  const count = await rows.count();
  await server.sender.collect([{ id: "meanwhile", kind: "impression", advertiser: "acme", ad: "x", at: "2026-03-20T01:10:00Z" }]);
  await eventually(async () => assert.ok((await rows.count()) > count || (await rows.first().getAttribute("data-id")) === "meanwhile"), 15_000);
  await dashboard.page.keyboard.press("Escape");
  await dashboard.find("story").waitFor({ state: "detached" });
  const label = await dashboard.page.evaluate(() => document.activeElement.closest("[data-testid=event-row]")?.dataset.id);
  assert.equal(label, id);
});

test("older events are turned to, and back, with the keyboard too", async (t) => {
  const [advertiser, count] = ["archive", 450];
  const events = Array.from({ length: count }, (_, n) => ({ id: `old-${n}`, kind: "impression", advertiser, ad: "x", user: `u${n}`, at: Date.UTC(2026, 2, 10) + n * 60_000 }));
  await server.sender.collect(events);
  const dashboard = await signedIn(t, `/events?scope=advertiser:${advertiser}&${MARCH}`);
  const ids = () => dashboard.find("event-row").evaluateAll((rows) => rows.map((row) => row.dataset.id));
  const listed = async (expected) => {
    await dashboard.settled("events");
    await eventually(async () => assert.equal((await ids()).length, expected), 15_000);
    return ids();
  };
  const first = await listed(200);
  const older = dashboard.find("older");
  const turn = async () => {
    await older.focus();
    await dashboard.page.keyboard.press("Enter");
    await eventually(async () => assert.match(await dashboard.find("event-count").innerText(), /older/), 15_000);
  };
  await turn();
  const second = await listed(200);
  assert.equal((await focused(dashboard)).testid, "older", "the focus stays while others come");
  await dashboard.page.keyboard.press("Enter");
  const third = await listed(50);
  assert.deepEqual([...third, ...second, ...first].sort(), events.map(({ id }) => id).sort());
  assert.equal(await older.getAttribute("aria-disabled"), "true");
  await dashboard.find("event-kind").selectOption("impression");
  assert.deepEqual(await listed(200), first, "another list begins with its newest");
  await turn();
  await dashboard.find("newest").click();
  assert.deepEqual(await listed(200), first);
});
