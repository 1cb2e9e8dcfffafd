// Whose is what: every operation of the API's description, asked by every kind of caller, about their own and about
// somebody else's. The table in docs/access.md is what is found; ADTALLY_WRITE=1 writes it.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";

import { isProblem } from "./api.mjs";
import { ROOT, useServer } from "./server.mjs";

const METHODS = ["get", "put", "post", "delete"];
/** Stands in everything of the other tenants, and in no request: whoever reads it reads what is not theirs. */
const SECRET = "Zanzibar";
const TABLE = join(ROOT, "docs/access.md");

/** Who asks; `own` is whose things they may know. */
const CALLERS = [
  { name: "nobody" },
  { name: "a wrong token" },
  { name: "write key, platform", role: "write", scope: "platform" },
  { name: "write key, advertiser", role: "write", scope: "advertiser:acme" },
  { name: "write key, service", role: "write", scope: "service:daily" },
  { name: "analyst, advertiser", role: "analyst", scope: "advertiser:acme" },
  { name: "admin, advertiser", role: "admin", scope: "advertiser:acme" },
  { name: "analyst, service", role: "analyst", scope: "service:daily" },
  { name: "admin, service", role: "admin", scope: "service:daily" },
  { name: "analyst, platform", role: "analyst", scope: "platform" },
  { name: "admin, platform", role: "admin", scope: "platform" },
];

/** The things of one advertiser and one service. */
const OWN = { advertiser: "acme", campaign: "acme-spring", ad: "acme-ad", service: "daily", placement: "daily-top" };
const FOREIGN = { advertiser: "globex", campaign: "globex-spring", ad: "globex-ad", service: "weekly", placement: "weekly-top" };

const server = useServer(async ({ admin, sender }) => {
  for (const [of, name] of [[OWN, "Own"], [FOREIGN, SECRET]]) {
    const made = [
      await admin.put(`/v1/advertisers/${of.advertiser}`, { name, currency: "EUR", timezone: "UTC" }),
      await admin.put(`/v1/campaigns/${of.campaign}`, { advertiser: of.advertiser, name }),
      await admin.put(`/v1/ads/${of.ad}`, { advertiser: of.advertiser, campaign: of.campaign, name }),
      await admin.put(`/v1/services/${of.service}`, { name }),
      await admin.put(`/v1/placements/${of.placement}`, { service: of.service, name }),
    ];
    for (const answer of made) assert.ok(answer.status < 300, answer.text);
    const event = { id: "e1", kind: "impression", props: { name }, ...of };
    await sender.collect([event]);
    await sender.post("/v1/events", { ...event, id: undefined, kind: name });
  }
});

/** What an operation needs to get as far as its rules: paths and bodies that name whose things are meant. */
function request(method, path, of) {
  const key = { advertisers: of.advertiser, campaigns: of.campaign, ads: of.ad, services: of.service, placements: of.placement };
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => {
    if (name === "key") return key[path.split("/")[2]] ?? `raw/advertiser=${of.advertiser}/day=2026-01-01/x.parquet`;
    return { id: path.startsWith("/v1/events") ? "e1" : "x", run: "batch-1", name: "x", index: "ads" }[name] ?? "x";
  });
  const isOfService = /services|placements/.test(path);
  const params = path.startsWith("/v1/events") || path.startsWith("/v1/billing") || path === "/v1/rejected" ? { advertiser: of.advertiser } : {};
  if (/^\/v1\/(reports|restatements|segments|live|cubes|notebooks|views\/\{name\}\/export)/.test(path)) params.scope = `advertiser:${of.advertiser}`;
  const owner = isOfService ? { service: of.service } : { advertiser: of.advertiser };
  const bodies = {
    "/v1/links": { ...owner, ad: of.ad, to: "https://shop.example/" },
    "/v1/rejected/replay": { ...owner, ids: ["99.0"] },
    "/v1/campaigns/{key}": { ...owner, name: "Changed" },
    "/v1/ads/{key}": { ...owner, name: "Changed" },
    "/v1/placements/{key}": { ...owner, name: "Changed" },
    "/v1/services/{key}": { name: "Changed" },
    "/v1/advertisers/{key}": { name: "Changed", currency: "EUR", timezone: "UTC" },
    "/v1/views/{name}/export": { time: "06:00", format: "csv", query: { by: "campaign" } },
    "/v1/sql": { sql: `SELECT sum(clicks) FROM cells WHERE advertiser = '${of.advertiser}'` },
  };
  const body = method === "get" ? undefined : bodies[path];
  return [method.toUpperCase(), filled, { params, body }];
}

const operations = async () => {
  const { json } = await server.admin.get("/openapi.json");
  return Object.entries(json.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => method in item).map((method) => ({ method, path, security: item[method].security ?? json.security })),
  );
};

/** Changes that would end what the other callers ask with. */
const spared = ({ method, path }) => method === "delete" && path === "/v1/session";

describe("whose is what", () => {
  test("every operation by every caller", { timeout: 120_000 }, async () => {
    const tokens = await Promise.all(
      CALLERS.map(async ({ name, role, scope }, i) => {
        if (!role) return i === 0 ? undefined : "adt_nobody_knows_this";
        const { json } = await server.admin.post("/v1/tokens", { name, role, scope });
        return json.token;
      }),
    );
    const rows = [];
    for (const operation of await operations()) {
      if (spared(operation)) continue;
      const { method, path, security } = operation;
      const cells = [];
      for (const [i, { name, scope, role }] of CALLERS.entries()) {
        const ask = (of) => server.admin.as(tokens[i]).request(...request(method, path, of));
        const [own, foreign] = [await ask(OWN), await ask(FOREIGN)];
        const where = `${method} ${path}, ${name}: ${own.status} ${foreign.status}`;
        assert.ok(own.status < 500 && foreign.status < 500 && foreign.status !== 429, `${where}\n${own.text}\n${foreign.text}`);
        const isPublic = security.length === 0 || security.some((need) => Object.keys(need).length === 0);
        const passes = ({ status }) => ![401, 403].includes(status);
        if (!role && !isPublic) assert.deepEqual([own.status, foreign.status], [401, 401], where);
        if (role) assert.ok(own.status !== 401 && foreign.status !== 401, where);
        if (scope !== "platform") {
          assert.doesNotMatch(own.text + foreign.text, new RegExp(SECRET), `${where}: not theirs`);
          // Whether it exists is not told either: a refusal is the same for what does not.
          if (role && foreign.status === 403) assert.doesNotMatch(foreign.text, /not_found|does not exist/, where);
        }
        cells.push(!passes(own) && !passes(foreign) ? (own.status === 401 ? "" : "no") : passes(foreign) && (scope === "platform" || isPublic) ? "yes" : "own");
      }
      rows.push(`| ${method.toUpperCase()} | \`${path}\` | ${cells.join(" | ")} |`);
    }
    const head = `| | operation | ${CALLERS.map(({ name }) => name).join(" | ")} |\n|---|---|${CALLERS.map(() => "---|").join("")}`;
    const text = `# Who may do what

Made by \`tests/isolation.test.mjs\`, which asks every operation as every kind of caller, about their own things and about those of others; \`ADTALLY_WRITE=1\` writes it anew.
**yes**: whatever it is about. **own**: what is their own, and nothing is told of others. **no**: 403. Empty: 401.
A write key that sends events for others is told so for each event, and nothing is stored.

${head}
${rows.join("\n")}
`;
    if (process.env.ADTALLY_WRITE) await writeFile(TABLE, text);
    assert.equal(text, await readFile(TABLE, "utf8").catch(() => ""), "docs/access.md is not what is found");
  });

  test("whoever guesses is asked to wait, and whoever is known is not", async () => {
    const answers = [];
    for (let i = 0; i < 300; i += 30) {
      const guess = (_, k) => server.admin.as(`adt_guess_${i + k}`).get("/v1/advertisers");
      answers.push(...(await Promise.all(Array.from({ length: 30 }, guess))));
    }
    const limited = answers.filter(({ status }) => status === 429);
    assert.ok(limited.length > 50, `${limited.length} of 300 guesses were refused unseen`);
    isProblem(limited[0], 429, "rate_limited");
    assert.match(limited[0].headers.get("retry-after"), /^\d+$/);
    assert.ok(answers.every(({ status }) => [401, 429].includes(status)));
    assert.equal((await server.admin.get("/v1/advertisers")).status, 200);
    const { text } = await server.admin.get("/metrics");
    assert.match(text, /adtally_requests_limited_total\{by="guess"\} \d+/);
  });
});
