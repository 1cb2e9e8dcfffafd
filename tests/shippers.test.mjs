// Log shippers as they are: a file of events is what the report counts.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";

import { eventually, ndjson } from "./api.mjs";
import { client, libraries } from "./clients.mjs";
import { Leashed } from "./leash.mjs";
import { useServer } from "./server.mjs";

const server = useServer();
const LIMITS = { timeout: 60_000 };
/** How long a shipper may take to start, read and send. */
const PATIENCE_MS = 30_000;

/** A log with events, and a line that is none. */
const log = (advertiser) => {
  const events = Array.from({ length: 20 }, (_, i) => {
    const of = { advertiser, ad: "a", user: `u${i}` };
    return [
      { id: `i${i}`, kind: "impression", ...of },
      { id: `c${i}`, kind: "click", impression: `i${i}`, ...of },
      { id: `v${i}`, kind: "conversion", click: `c${i}`, ...of },
    ];
  });
  return `${ndjson(events.flat())}{"advertiser":"${advertiser}","kind":"wink"}\n`;
};

const isCounted = (advertiser) =>
  eventually(async () => {
    const expected = { impressions: 20, linked_clicks: 20, conversions: 20, unattributed: 0, duplicates: 0 };
    const query = { scope: `advertiser:${advertiser}`, metrics: Object.keys(expected).join(","), from: "2026-01-01", to: "2027-12-31" };
    assert.deepEqual(await server.admin.totals(query), expected);
    const { json } = await server.admin.get("/v1/rejected", { advertiser });
    assert.deepEqual(json.counts, { unknown_kind: 1 });
  }, PATIENCE_MS);

/** Runs a shipper on a log of its own until everything is counted. */
async function ships(context, name, command) {
  const { folder, missing } = client(name);
  if (missing) return context.skip(missing);
  const work = await mkdtemp(join(tmpdir(), `adtally-${name}-`));
  context.after(() => rm(work, { recursive: true, force: true }));
  const advertiser = `shipped-by-${name}`;
  await writeFile(join(work, "events.log"), log(advertiser));
  const { program, config, env } = command(folder, work, new URL(server.url));
  await writeFile(join(work, "shipper.conf"), config);
  const shipper = new Leashed(program, { cwd: work, env: { ...process.env, ...env }, log: join(work, "output") });
  try {
    await isCounted(advertiser);
  } catch (error) {
    error.message += `\n${name} says:\n${(await readFile(join(work, "output"), "utf8")).slice(-2_000)}`;
    throw error;
  } finally {
    await shipper.end(2_000);
  }
}

describe("log shippers", { concurrency: 2 }, () => {
  test("rsyslog with omelasticsearch", LIMITS, (context) =>
    ships(context, "rsyslog", (folder, work, { hostname, port }) => ({
      program: [join(folder, "usr/sbin/rsyslogd"), "-n", "-f", join(work, "shipper.conf"), "-i", join(work, "pid")],
      env: { LD_LIBRARY_PATH: libraries(folder), RSYSLOG_MODDIR: `${libraries(folder).replaceAll(":", "/rsyslog:")}/rsyslog` },
      config: `
global(workDirectory="${work}")
module(load="imfile" mode="polling" pollingInterval="1")
module(load="omelasticsearch")
template(name="document" type="string" string="%msg%\\n")
ruleset(name="ship") {
  action(type="omelasticsearch" server="http://${hostname}" serverport="${port}" uid="any" pwd="${server.writeKey}"
         template="document" searchIndex="ads" searchType="" bulkmode="on" writeoperation="index")
}
input(type="imfile" file="${work}/events.log" tag="ads" ruleset="ship")
`,
    })));

  test("syslog-ng with http", LIMITS, (context) =>
    ships(context, "syslog-ng", (folder, work, { host }) => ({
      program: [
        join(folder, "usr/sbin/syslog-ng"),
        ...["--foreground", "--no-caps", "--cfgfile", join(work, "shipper.conf"), "--persist-file", join(work, "persist")],
        ...["--pidfile", join(work, "pid"), "--control", join(work, "control"), "--module-path", join(folder, "usr/lib/syslog-ng/3.38")],
      ],
      env: { LD_LIBRARY_PATH: libraries(folder, "usr/lib/syslog-ng") },
      config: `@version: 3.38
source s { file("${work}/events.log" flags(no-parse) read-old-records(yes)); };
destination d {
  http(url("http://${host}/ads/_bulk") method("POST") user("any") password("${server.writeKey}")
       headers("Content-Type: application/x-ndjson") delimiter("\\n") body-suffix("\\n")
       batch-lines(25) batch-timeout(500) body("{\\"index\\":{}}\\n\${MESSAGE}"));
};
log { source(s); destination(d); };
`,
    })));
});
