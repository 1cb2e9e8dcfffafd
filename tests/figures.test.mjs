// Figures mean the same on every page, say how complete they are, and lead to just the events that they count.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { eventually } from "./api.mjs";
import { useBrowser } from "./browser.mjs";
import { RANGE, useServerWithTraffic } from "./traffic.mjs";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MARCH = "from=2026-03-01&to=2026-04-01&tz=UTC";
const ACME = `scope=advertiser:acme&${MARCH}`;

const server = useServerWithTraffic();
const browser = useBrowser();

async function signedIn(t, path, options) {
  const dashboard = await browser.open(t, server, options);
  await dashboard.signIn(server.adminToken, path);
  return dashboard;
}

const impression = (id, at, more = {}) => ({ id, kind: "impression", at, user: id, advertiser: "recent", campaign: "c", ad: "a", ...more });

describe("how complete figures are", () => {
  test("is what the API says, and not when the newest came", async (t) => {
    // One more user's event: the other shards have not heard of anything since.
    await server.sender.collect([{ id: "one-more", kind: "impression", advertiser: "globex", user: "one-more", ad: "ad0", at: "2026-03-07T05:00:00Z" }]);
    let told;
    const ask = async () => (told = await server.admin.report({ ...RANGE, tz: "UTC", scope: "platform", metrics: "impressions" }));
    await eventually(async () => {
      await ask();
      assert.ok(told.complete_through < told.updated, `${told.complete_through} ${told.updated}`);
    }, 10_000);
    for (const path of ["/", "/report", "/health"]) {
      const dashboard = await signedIn(t, `${path}?scope=platform&${MARCH}`);
      const [through, newest] = ["fresh-through", "fresh-newest"].map((id) => dashboard.find(id));
      await eventually(async () => {
        await ask();
        assert.deepEqual([await through.getAttribute("data-value"), await newest.getAttribute("data-value")], [told.complete_through, told.updated], path);
      }, 10_000);
      const time = (text) => new Intl.DateTimeFormat("en-US", { timeStyle: "medium", timeZone: "UTC", hourCycle: "h23" }).format(new Date(text));
      assert.ok((await through.innerText()).includes(time(told.complete_through)), await through.innerText());
      assert.ok((await newest.innerText()).includes(time(told.updated)), await newest.innerText());
    }
  });
});

describe("a period that goes on", () => {
  test("is compared alike on the overview and in the pivot", async (t) => {
    const now = Date.now();
    // As much each day, in the hours that have ended and in those that have not.
    const events = Array.from({ length: 14 }, (_, day) => [0, 1, 2].map((i) => impression(`r${day}-${i}`, now - day * DAY - i * HOUR, { campaign: `c${i}` }))).flat();
    events.push(...[1, 2, 3].map((i) => impression(`before-${i}`, now - 8 * DAY - 2 * HOUR, { campaign: "c1" })));
    await server.sender.collect(events);
    await eventually(async () => {
      const { impressions } = await server.admin.totals({ from: new Date(now - 20 * DAY).toISOString().slice(0, 10), to: new Date(now + 2 * DAY).toISOString().slice(0, 10), scope: "advertiser:recent", metrics: "impressions" });
      assert.equal(impressions, events.length);
    }, 10_000);
    const dashboard = await signedIn(t, "/?scope=advertiser:recent&tz=UTC");
    const tile = dashboard.find("kpi-change", dashboard.find("kpi-impressions"));
    await tile.waitFor();
    const change = Number(await tile.getAttribute("data-value"));
    assert.notEqual(change, 0);
    await dashboard.visit("/explore?scope=advertiser:recent&tz=UTC&rows=campaign&metrics=impressions&compare=1");
    const total = dashboard.page.locator('[data-testid="pivot-row"].totals [data-change]');
    await total.waitFor();
    assert.equal(Number(await total.getAttribute("data-change")), change);
    assert.match(await total.getAttribute("title"), /ended hours/);
    // Whole periods are compared as before.
    await dashboard.visit("/explore?scope=advertiser:recent&tz=UTC&range=yesterday&rows=campaign&metrics=impressions&compare=1");
    await total.waitFor();
    assert.match(await total.getAttribute("title"), /^Change against/);
  });

  test("says why there is no change in its first hour", async (t) => {
    // A zone in which the day has just begun; `Etc/GMT+5` is five hours behind UTC.
    const hour = new Date().getUTCHours();
    const tz = hour <= 12 ? `Etc/GMT+${hour}` : `Etc/GMT-${24 - hour}`;
    const dashboard = await signedIn(t, `/?scope=advertiser:acme&range=today&tz=${encodeURIComponent(tz)}`);
    await dashboard.find("kpi-too-early", dashboard.find("kpi-impressions")).waitFor();
  });
});

describe("a figure of the pivot", () => {
  const open = async (t, path, key, column = 0) => {
    const dashboard = await signedIn(t, path);
    const cell = dashboard.page.locator(`[data-testid="pivot-row"][data-key="${key}"] td[data-column="${column}"]`).first();
    await cell.waitFor();
    const figure = Number(await cell.getAttribute("data-value"));
    await cell.click();
    await dashboard.settled("events");
    await eventually(async () => assert.equal(await dashboard.find("event-row").count(), figure), 10_000);
    return { dashboard, figure };
  };

  test("of the platform opens the events of the campaign's advertiser", async (t) => {
    await server.admin.put("/v1/campaigns/globex-1", { advertiser: "globex", name: "Globex one" });
    const { dashboard, figure } = await open(t, `/explore?scope=platform&${MARCH}&rows=campaign&metrics=clicks`, "globex-1");
    assert.ok(figure > 0);
    assert.deepEqual(dashboard.query().getAll("filter"), ["campaign:eq:globex-1", "advertiser:eq:globex"]);
  });

  test("of an hour opens the events of that hour", async (t) => {
    const { rows } = await server.admin.report({ ...RANGE, tz: "UTC", scope: "advertiser:acme", by: "hour", metrics: "impressions", sort: "hour" });
    const [hour, impressions] = rows[3];
    const { dashboard, figure } = await open(t, `/explore?${ACME}&rows=hour&metrics=impressions`, hour);
    assert.equal(figure, impressions);
    assert.equal(Date.parse(dashboard.query().get("hour")), Date.parse(hour));
    await dashboard.find("remove", dashboard.find("event-hour")).click();
    await eventually(async () => assert.ok((await dashboard.find("event-row").count()) > figure), 10_000);
  });
});

describe("a figure of others", () => {
  /** Seven campaigns of which five are rows, fourteen ads of which twelve are columns, and hours of four days. */
  const MANY = `scope=advertiser:many&${MARCH}&metrics=impressions&top=5`;
  const start = Date.UTC(2026, 2, 10, 5, 20);
  const events = Array.from({ length: 7 * 14 * 2 }, (_, i) => {
    const [campaign, ad] = [i % 7, Math.floor(i / 7) % 14];
    // The first ones have more, so that it is known which are others.
    const times = Math.max(1, 6 - campaign) + (ad < 12 ? 1 : 0);
    return Array.from({ length: times }, (_, n) => ({ id: `m${i}-${n}`, kind: "impression", at: start + (i % 90) * HOUR, user: `m${i}`, advertiser: "many", campaign: `many-${campaign}`, ad: `ad-${ad}` }));
  }).flat();

  before(async () => {
    await server.sender.collect(events);
    await eventually(async () => {
      const { impressions } = await server.admin.totals({ ...RANGE, scope: "advertiser:many", metrics: "impressions" });
      assert.equal(impressions, events.length);
    }, 10_000);
  });

  /** Each of these cells opens as many events as it counts. */
  async function opens(t, path, cells) {
    const dashboard = await signedIn(t, path);
    for (const [line, column] of cells) {
      const cell = dashboard.page.locator(`td[data-line="${line}"][data-column="${column}"]`);
      await dashboard.find("pivot-row").first().waitFor();
      // Of many columns only those in sight are written.
      if (column > 20) await dashboard.find("pivot").evaluate((table) => (table.parentElement.scrollLeft = table.scrollWidth));
      await cell.waitFor();
      const figure = Number(await cell.getAttribute("data-value"));
      assert.ok(figure > 0 && figure < 200, `${figure} at ${line}, ${column}`);
      await cell.click();
      await dashboard.settled("events");
      await eventually(async () => assert.equal(await dashboard.find("event-row").count(), figure, `${line}, ${column}: ${dashboard.page.url()}`), 10_000);
      await dashboard.page.goBack();
    }
    return dashboard;
  }

  test("opens just the events of these, in rows and in columns", async (t) => {
    // All is the first line, then five campaigns, then the others; twelve ads, then the others, then all.
    await opens(t, `/explore?${MANY}&rows=campaign&cols=ad`, [[6, 0], [6, 12], [6, 13], [0, 12], [1, 12]]);
  });

  test("opens just what was before the times that are shown", async (t) => {
    const dashboard = await opens(t, `/explore?${MANY}&rows=campaign&cols=hour`, [[1, 62], [5, 62], [6, 62]]);
    await dashboard.page.goForward();
    await dashboard.find("event-until").waitFor();
  });

  test("leads to a pivot of these alone", async (t) => {
    const dashboard = await signedIn(t, `/explore?${MANY}&rows=campaign`);
    await dashboard.find("drill-others").click();
    await eventually(async () => {
      const keys = await dashboard.find("pivot-row").evaluateAll((rows) => rows.map(({ dataset }) => dataset.key));
      assert.deepEqual(keys.sort(), ["", "many-5", "many-6"]);
    }, 5_000);
    assert.deepEqual(dashboard.query().getAll("filter"), ["campaign:in:many-5,many-6"]);
  });
});

describe("the chart of the pivot", () => {
  test("has a line for each metric and column of times", async (t) => {
    const dashboard = await signedIn(t, `/explore?${ACME}&rows=day&cols=country&metrics=impressions,clicks&rank=clicks&view=chart`);
    const lines = dashboard.find("pivot-line");
    await lines.first().waitFor();
    const { rows } = await server.admin.report({ ...RANGE, tz: "UTC", scope: "advertiser:acme", by: "country", metrics: "impressions", sort: "-impressions,country" });
    const drawn = await lines.evaluateAll((lines) => lines.map(({ dataset }) => dataset.metric));
    assert.deepEqual(drawn, [...rows.map(() => "clicks"), ...rows.map(() => "impressions")]);
    // What is read out is the figure of the column.
    const line = lines.nth(rows.length);
    await dashboard.find("chart", line).focus();
    await dashboard.page.keyboard.press("Home");
    const column = await line.getAttribute("data-column");
    const country = rows.map(([key]) => key).find((key) => (key || "(none)") === column);
    const { rows: days } = await server.admin.report({ ...RANGE, tz: "UTC", scope: "advertiser:acme", by: "day", metrics: "impressions", sort: "day", filter: `country:eq:${country}` });
    await eventually(async () => assert.match(await dashboard.find("chart-readout", line).innerText(), new RegExp(`: ${days[0][1]}$`)), 5_000);
  });

  test("has bars of each metric, and says that columns are added up", async (t) => {
    const dashboard = await signedIn(t, `/explore?${ACME}&rows=campaign&cols=country&metrics=impressions,clicks&view=chart`);
    await dashboard.find("columns-added-up").waitFor();
    const { rows } = await server.admin.report({ ...RANGE, tz: "UTC", scope: "advertiser:acme", by: "campaign", metrics: "impressions,clicks" });
    const bars = await dashboard.find("bar").evaluateAll((bars) => bars.map(({ dataset }) => Number(dataset.value)));
    const of = (place) => rows.map((row) => row[place]).sort((a, b) => b - a);
    assert.deepEqual([bars.slice(0, rows.length), bars.slice(rows.length).sort((a, b) => b - a)], [of(1), of(2)]);
  });
});

describe("verifying", () => {
  test("begins with the last day that has ended, and does not praise a day without events", async (t) => {
    const dashboard = await signedIn(t, "/verify?scope=advertiser:acme&range=today&tz=Asia/Seoul");
    const day = dashboard.find("verify-day");
    const yesterday = new Date(Date.now() - DAY).toISOString().slice(0, 10);
    await eventually(async () => assert.equal(await day.inputValue(), yesterday), 5_000);
    await dashboard.find("verify-start").click();
    const verdict = dashboard.find("verdict");
    await verdict.waitFor();
    assert.deepEqual(await verdict.evaluate(({ dataset, className }) => [dataset.events, dataset.nothing, className]), ["0", "true", "verdict"]);
    assert.match(await verdict.innerText(), /no events of this day/);
  });
});

test("the overview ranks campaigns, ads and services", async (t) => {
  const dashboard = await signedIn(t, `/?${ACME}`);
  for (const [dimension, title] of [["campaign", "Top campaigns"], ["ad", "Top ads"], ["service", "Top services"]]) {
    const list = dashboard.find(`top-${dimension}`);
    await list.waitFor();
    assert.match(await list.innerText(), new RegExp(title));
    const { rows } = await server.admin.report({ ...RANGE, tz: "UTC", scope: "advertiser:acme", by: dimension, metrics: "impressions", sort: `-impressions,${dimension}` });
    await eventually(async () => assert.match(await list.locator("tbody tr").first().innerText(), new RegExp(rows[0][0])), 10_000);
  }
});

test("a story is told in Korean", async (t) => {
  const dashboard = await signedIn(t, `/events?scope=advertiser:globex&${MARCH}&kind=click&story=click:c7`, { locale: "ko-KR" });
  const story = dashboard.find("story");
  await dashboard.find("facts", story).waitFor();
  const told = await story.evaluate((story) => {
    const copy = story.cloneNode(true);
    // Ids, and what was sent as it was sent.
    copy.querySelectorAll("code, button, strong, dl").forEach((element) => element.remove());
    return copy.innerText;
  });
  assert.doesNotMatch(told, /[a-z]{3,}/, told);
  assert.match(told, /클릭을 지정함|노출을 지정함/);
});
