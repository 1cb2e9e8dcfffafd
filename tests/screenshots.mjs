// Pictures of every page of a running dashboard, for people to look at.
//
//   node tests/screenshots.mjs DIR            desktop and phone, light and dark, English and Korean, into DIR
//   node tests/screenshots.mjs --readme       docs/screenshot.png, for the README
//
// ADTALLY_SHOTS_OF names an advertiser whose pages are shown too.
// ADTALLY_URL says where it runs (default http://127.0.0.1:8787, where `cargo xtask dev` puts it with demo traffic);
// ADMIN_TOKEN signs in (default: the one in .dev.vars).

import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { Dashboard, launch } from "./browser.mjs";

const ROOT = join(import.meta.dirname, "..");
const ADDRESS = process.env.ADTALLY_URL ?? "http://127.0.0.1:8787";

const DESKTOP = { viewport: { width: 1440, height: 900 } };
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const SHARP = { deviceScaleFactor: 2 };

/** Name, address, and the page that must have settled; the first is seen signed out. */
const PAGES = [
  ["sign-in", "/", undefined],
  ["overview", "/?range=7d", "overview"],
  ["report", "/report?by=day,campaign&metrics=impressions,clicks,ctr,conversions,cost_micros&range=7d&sort=-day,-impressions", "report"],
  ["explore", "/explore?rows=campaign,ad&metrics=impressions,clicks,ctr&heat=1&range=7d", "explore"],
  ["explore-days", "/explore?rows=campaign,ad&cols=day&metrics=impressions,clicks&heat=1&range=7d", "explore"],
  ["events", "/events?range=7d", "events"],
  ["events-rejected", "/events?range=7d&list=rejected", "events"],
  ["restatements", "/restatements?range=7d", "restatements"],
  ["verify", "/verify?range=7d", "verify"],
  ["cubes", "/cubes?scope=advertiser:haneul-books&new=campaign,country,device&range=7d", "cubes"],
  ["sql", `/sql?range=7d&text=${encodeURIComponent("What did each campaign bring?")}&chart=${encodeURIComponent("SELECT campaign, SUM(clicks) AS clicks FROM ad_stats GROUP BY campaign ORDER BY clicks DESC LIMIT 12")}`, "sql"],
  ["jobs", "/jobs?range=7d", "jobs"],
  ["health", "/health?range=7d", "health"],
  ["settings", "/settings?range=7d", "settings"],
  ...(process.env.ADTALLY_SHOTS_OF
    ? ["events", "verify", "settings", "health"].map((page) => [`${page}-advertiser`, `/${page}?range=7d&scope=advertiser:${process.env.ADTALLY_SHOTS_OF}`, page])
    : []),
  ["report-empty", "/report?by=campaign&metrics=impressions&from=2015-01-01&to=2015-01-08", "report"],
  ["report-notice", "/report?scope=advertiser:&by=campaign&metrics=impressions", undefined],
];

async function main() {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { readme: { type: "boolean" } } });
  const [folder] = positionals;
  if (!values.readme && !folder) throw new Error("say where to put the pictures, or --readme");
  const token = process.env.ADMIN_TOKEN ?? (await localToken());
  const browser = await launch();
  try {
    if (values.readme) await shootReadme(browser, token);
    if (folder) await shootAll(browser, token, folder);
  } finally {
    await browser.close();
  }
}

async function localToken() {
  const [, token] = /^ADMIN_TOKEN\s*=\s*["']?([^"'\n]+)/m.exec(await readFile(join(ROOT, ".dev.vars"), "utf8")) ?? [];
  if (!token) throw new Error("set ADMIN_TOKEN: there is none in .dev.vars");
  return token;
}

async function shootReadme(browser, token) {
  await mkdir(join(ROOT, "docs"), { recursive: true });
  const options = { ...DESKTOP, ...SHARP, colorScheme: "light" };
  const dashboard = await Dashboard.open(browser, ADDRESS, options);
  await dashboard.signIn(token, "/?range=7d");
  await shoot(dashboard, join(ROOT, "docs", "screenshot.png"), "overview");
  await dashboard.close();
}

async function shootAll(browser, token, folder) {
  await mkdir(folder, { recursive: true });
  for (const [device, size] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
    for (const colorScheme of ["light", "dark"]) {
      for (const locale of colorScheme === "light" ? ["en-US", "ko-KR"] : ["en-US"]) {
        const dashboard = await Dashboard.open(browser, ADDRESS, { ...size, ...SHARP, colorScheme, locale });
        for (const [page, path, root] of PAGES) {
          if (page === "overview") await dashboard.signIn(token, path);
          else await dashboard.visit(path);
          const name = [device, colorScheme, ...(locale === "ko-KR" ? ["ko"] : []), page].join("-");
          await shoot(dashboard, join(folder, `${name}.png`), root, { fullPage: true });
          const out = await dashboard.stickingOut();
          if (out.length > 0) console.warn(`${name}: sticks out of the window: ${out.join(", ")}`);
        }
        await dashboard.close();
      }
    }
  }
}

async function shoot(dashboard, path, root, options = {}) {
  if (root) await dashboard.settled(root);
  // A slow machine asks for the rest a moment later.
  await dashboard.page.waitForFunction(() => !document.querySelector(".skeleton, .chart-skeleton"));
  // Fonts, and transitions that follow the data.
  await dashboard.page.evaluate(() => document.fonts.ready);
  await dashboard.page.waitForTimeout(400);
  await dashboard.page.screenshot({ path, ...options });
  console.log(path);
}

await main();
