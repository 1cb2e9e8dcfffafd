// The dashboard in a real Chromium, in the words of its users.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before } from "node:test";

import { chromium } from "playwright-core";

const CHROME = process.env.CHROME ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** How long a page may take for anything; a debug machine that compiles beside it is slow. */
const PATIENCE_MS = 15_000;

/** Starts Chromium. */
export function launch() {
  return chromium.launch({ executablePath: CHROME, args: FLAGS });
}

/** A browser for the test file that calls this: started before its first test, closed after its last. */
export function useBrowser() {
  const use = {};
  before(async () => {
    use.browser = await launch();
  });
  after(() => use.browser?.close());
  return {
    /** A dashboard in a profile of its own; it is checked for console errors and closed when the test `t` ends. */
    async open(t, server, options = {}) {
      const dashboard = await Dashboard.open(use.browser, server.url, options);
      t.after(() => dashboard.close());
      return dashboard;
    },
  };
}

/** The `data-testid` of what has the focus. */
export function focused(page) {
  return page.evaluate(() => document.activeElement?.getAttribute("data-testid"));
}

/** One browser window on the dashboard. */
export class Dashboard {
  #context;
  #complaints = [];

  /** What Chromium itself reports and is right to happen: a test may add to it. */
  expected = [
    // Before signing in the page asks whether there is a session.
    /status of 401/,
    // A page that is left while it still connects.
    /WebSocket is closed before the connection is established/,
  ];

  constructor(context, page, url) {
    this.#context = context;
    this.page = page;
    this.url = url;
    page.on("pageerror", (error) => this.#complaints.push(String(error)));
    page.on("console", (message) => {
      const expected = this.expected.some((pattern) => pattern.test(message.text()));
      if (["error", "warning"].includes(message.type()) && !expected) this.#complaints.push(message.text());
    });
  }

  /** `options` are those of a Playwright context: viewport, locale, colorScheme, … */
  static async open(browser, url, options = {}) {
    const context = await browser.newContext({ locale: "en-US", timezoneId: "UTC", acceptDownloads: true, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    return new Dashboard(context, page, url);
  }

  /** Closes the window; errors and policy violations that the page reported are a failure. */
  async close() {
    await this.#context.close();
    assert.deepEqual(this.#complaints, []);
  }

  /** Elements of this `data-testid`. */
  find(id, within = this.page) {
    return within.locator(`[data-testid="${id}"]`);
  }

  async visit(path) {
    await this.page.goto(new URL(path, this.url).href);
  }

  async submitToken(token) {
    await this.find("token").fill(token);
    await this.find("sign-in-submit").click();
  }

  /** Opens `path` and signs in. */
  async signIn(token, path = "/") {
    await this.visit(path);
    await this.submitToken(token);
    await this.find("who").waitFor({ state: "attached" });
  }

  async signOut() {
    const menu = this.find("menu");
    if (await menu.isVisible()) await menu.click();
    await this.find("sign-out").click();
    await this.find("sign-in").waitFor();
  }

  /** Waits until the page (`overview` or `report`) shows what was asked for. */
  async settled(root) {
    await this.page.locator(`[data-testid="${root}"][data-busy="false"]`).waitFor();
  }

  /** The raw figure behind a tile, as a number; `undefined` while there is none. */
  async kpi(name) {
    const raw = await this.find("kpi-value", this.find(`kpi-${name}`)).getAttribute("data-value");
    return raw === null ? undefined : Number(raw);
  }

  /** The report table as the raw values of its cells. */
  async table() {
    await this.settled("report");
    return this.page.locator('[data-testid="report-table"]').evaluate((table) => {
      const cells = (row) =>
        Object.fromEntries([...row.querySelectorAll("[data-col]")].map((cell) => [cell.dataset.col, cell.dataset.value ?? null]));
      const all = (id) => [...table.querySelectorAll(`[data-testid="${id}"]`)].map(cells);
      return {
        columns: [...table.querySelectorAll('thead [data-testid^="col-"]')].map((th) => th.dataset.testid.slice("col-".length)),
        rows: all("row"),
        totals: all("totals-row")[0],
      };
    });
  }

  async groupBy(name) {
    await this.find("add-by").click();
    await this.find(`by-option-${name}`).click();
    await this.find(`by-chip-${name}`).waitFor();
  }

  async ungroup(name) {
    await this.find(`by-chip-${name}`).locator("button").last().click();
  }

  async addMetric(name) {
    await this.find("add-metric").click();
    await this.find(`metric-option-${name}`).click();
    await this.page.keyboard.press("Escape");
  }

  async filterBy(dimension, op, value) {
    await this.find("add-filter").click();
    await this.find("filter-dimension").selectOption(dimension);
    await this.find("filter-op").selectOption(op);
    await this.find("filter-value").fill(value);
    await this.find("filter-apply").click();
    await this.find("filter-chip").first().waitFor();
  }

  async sortBy(name) {
    await this.find(`sort-${name}`).click();
  }

  async chooseTimeZone(tz) {
    await this.find("range-picker").click();
    await this.find("tz").selectOption(tz);
    await this.page.keyboard.press("Escape");
  }

  /** The text of the CSV that a click downloads. */
  async downloadCsv() {
    const [download] = await Promise.all([this.page.waitForEvent("download"), this.find("csv").click()]);
    return readFile(await download.path(), "utf8");
  }

  /** The parameters of the address bar. */
  query() {
    return new URL(this.page.url()).searchParams;
  }

  /** What reaches beyond the right edge of the window, other than inside of something that scrolls by itself. */
  stickingOut() {
    return this.page.evaluate(() => {
      const width = document.documentElement.clientWidth;
      const scrolls = (element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
      const isInScroller = (element) => element !== null && element !== document.body && (scrolls(element) || isInScroller(element.parentElement));
      const out = [...document.body.querySelectorAll("*")]
        .filter((element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
        .filter((element) => {
          const { right, width: own } = element.getBoundingClientRect();
          return own > 1 && right > width + 1 && !isInScroller(element.parentElement);
        })
        .map((element) => element.dataset.testid ?? `${element.localName}.${element.getAttribute("class") ?? ""}`);
      return document.documentElement.scrollWidth > width ? ["the page", ...out] : out;
    });
  }
}
