// Programs that people already run, unmodified: what they send is what the report counts.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, test } from "node:test";

import { buildSync } from "esbuild";

import { eventually, isProblem } from "./api.mjs";
import { launch } from "./browser.mjs";
import { client, run } from "./clients.mjs";
import { useServer } from "./server.mjs";

const server = useServer();
const LIMITS = { timeout: 60_000 };

const counted = (advertiser, metrics) =>
  server.admin.totals({ scope: `advertiser:${advertiser}`, metrics, from: "2026-01-01", to: "2027-12-31" });
const SCHEMA = "iglu:com.snowplowanalytics.snowplow";
const expected = { impressions: 20, clicks: 20, linked_clicks: 20, conversions: 20, duplicates: 0 };
const isCounted = (advertiser) =>
  eventually(async () => assert.deepEqual(await counted(advertiser, Object.keys(expected).join(",")), expected), 10_000);

describe("Snowplow's trackers", () => {
  const address = () => `${server.url.replace("http://", "")}/k/${server.writeKey}`;

  for (const method of ["post", "get"]) {
    test(`snowplow-tracker of PyPI, ${method}`, LIMITS, async (context) => {
      const { python, missing } = client("snowplow");
      if (missing) return context.skip(missing);
      const advertiser = `snow-python-${method}`;
      const script = `
import sys
from snowplow_tracker import Emitter, SelfDescribing, SelfDescribingJson, Subject, Tracker
emitter = Emitter(sys.argv[1], protocol="http", method=${JSON.stringify(method)}, batch_size=7, on_failure=lambda n, e: sys.exit("failed"))
subject = Subject().set_user_id("u1")
tracker = Tracker("ns", emitter, subject=subject, app_id="news")
def track(name, data):
    data.update(advertiserId=${JSON.stringify(advertiser)}, campaignId="c")
    tracker.track(SelfDescribing(SelfDescribingJson("${SCHEMA}/" + name + "/jsonschema/1-0-0", data)))
for i in range(20):
    track("ad_impression", {"impressionId": f"i{i}", "bannerId": "b", "costModel": "cpm", "cost": 2.5})
    track("ad_click", {"clickId": f"c{i}", "impressionId": f"i{i}", "bannerId": f"b{i}"})
    track("ad_conversion", {"conversionId": f"v{i}", "initialValue": 1.5})
tracker.flush()
`;
      await run(python, ["-c", script, address()], LIMITS);
      await isCounted(advertiser);
    });
  }

  test("@snowplow/node-tracker of npm", LIMITS, async (context) => {
    const { folder, missing } = client("node");
    if (missing) return context.skip(missing);
    const advertiser = "snow-node";
    const script = `
const { newTracker, buildSelfDescribingEvent } = require(${JSON.stringify(join(folder, "node_modules", "@snowplow", "node-tracker"))});
const tracker = newTracker(
  { namespace: "ns", appId: "news", encodeBase64: true },
  { endpoint: process.argv[1], eventMethod: "post", bufferSize: 7 },
);
tracker.setUserId("u1");
const track = (name, data) =>
  tracker.track(buildSelfDescribingEvent({ event: {
    schema: "${SCHEMA}/" + name + "/jsonschema/1-0-0",
    data: { advertiserId: ${JSON.stringify(advertiser)}, campaignId: "c", ...data },
  } }));
for (let i = 0; i < 20; i++) {
  track("ad_impression", { impressionId: "i" + i, bannerId: "b", costModel: "cpm", cost: 2.5 });
  track("ad_click", { clickId: "c" + i, impressionId: "i" + i, bannerId: "b" + i });
  track("ad_conversion", { conversionId: "v" + i, initialValue: 1.5 });
}
tracker.flush();
`;
    await run(process.execPath, ["-e", script, `http://${address()}`], LIMITS);
    await isCounted(advertiser);
  });

  test("@snowplow/browser-tracker with its ad plugin, on a page of another site", LIMITS, async (context) => {
    const { folder, missing } = client("node");
    if (missing) return context.skip(missing);
    const advertiser = "snow-browser";
    const page = await served(bundled(folder, `
import { newTracker, setUserId, flushBuffer } from "@snowplow/browser-tracker";
import { AdTrackingPlugin, trackAdClick, trackAdConversion, trackAdImpression } from "@snowplow/browser-plugin-ad-tracking";
newTracker("sp", ${JSON.stringify(`http://${address()}`)}, { appId: "news", eventMethod: "post", bufferSize: 7, plugins: [AdTrackingPlugin()] });
setUserId("u1");
const of = { advertiserId: ${JSON.stringify(advertiser)}, campaignId: "c" };
for (let i = 0; i < 20; i++) {
  trackAdImpression({ ...of, impressionId: "i" + i, bannerId: "b", costModel: "cpm", cost: 2.5 });
  trackAdClick({ ...of, clickId: "c" + i, impressionId: "i" + i, bannerId: "b" + i, targetUrl: "https://shop.example/" });
  trackAdConversion({ ...of, conversionId: "v" + i, initialValue: 1.5 });
}
flushBuffer({});
`));
    context.after(() => page.close());
    const browser = await launch();
    context.after(() => browser.close());
    const person = await browser.newContext({ userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" });
    await (await person.newPage()).goto(`http://localhost:${page.address().port}/`);
    await isCounted(advertiser);
  });
});

/** A module and what it imports of a client's folder, as a page can run it. */
function bundled(folder, contents) {
  const options = { bundle: true, write: false, platform: "browser", target: "es2022", logLevel: "silent" };
  return buildSync({ ...options, stdin: { contents, resolveDir: folder } }).outputFiles[0].text;
}

/** A site with one page that runs a script. */
async function served(script) {
  const site = createServer((request, response) => {
    response.setHeader("content-type", request.url === "/s.js" ? "text/javascript" : "text/html");
    response.end(request.url === "/s.js" ? script : "<!doctype html><title>Shop</title><script src=s.js></script>");
  });
  await once(site.listen(0, "127.0.0.1"), "listening");
  return site;
}

describe("Elasticsearch's clients", () => {
  for (const version of [8, 9]) {
    test(`elasticsearch ${version} of PyPI, helpers.bulk`, LIMITS, async (context) => {
      const { python, missing } = client(`elasticsearch${version}`);
      if (missing) return context.skip(missing);
      const advertiser = `elastic-${version}`;
      const script = `
import json, sys
from elasticsearch import Elasticsearch, helpers
client = Elasticsearch(sys.argv[1] + "/elastic", basic_auth=("any", sys.argv[2]), http_compress=True)
assert client.info()["tagline"] == "You Know, for Search"
def events():
    for i in range(20):
        event = dict(advertiser=${JSON.stringify(advertiser)}, ad="a", user=f"u{i}")
        yield dict(_index="ads", _id=f"i{i}", kind="impression", **event)
        yield dict(_index="ads", _op_type="create", _id=f"c{i}", kind="click", impression=f"i{i}", **event)
        yield dict(_index="ads", message=json.dumps(dict(id=f"v{i}", kind="conversion", click=f"c{i}", **event)))
print(helpers.bulk(client, events(), chunk_size=25))
stored, errors = helpers.bulk(client, [dict(_index="ads", kind="wink"), dict(_index="ads", message="GET /")], raise_on_error=False)
assert (stored, [error["index"]["status"] for error in errors]) == (0, [400, 400]), (stored, errors)
`;
      const { stdout } = await run(python, ["-c", script, server.url, server.writeKey], LIMITS);
      assert.equal(stdout.trim(), "(60, [])");
      await isCounted(advertiser);
    });
  }
});

test("CloudEvents, OTLP, VAST and Prebid.js, as their programs write them", async () => {
  const advertiser = "formats";
  const type = (value) => ({ "content-type": value });
  const event = { specversion: "1.0", id: "ce1", source: "/shop", type: "com.example.click", data: { advertiser, ad: "a" } };
  const one = await server.sender.post("/v1/cloudevents", JSON.stringify(event), type("application/cloudevents+json"));
  assert.deepEqual([one.status, one.json?.accepted], [202, 1], one.text);
  const binary = { ...type("application/json"), "ce-id": "ce2", "ce-type": "click", "ce-source": "/", "ce-specversion": "1.0" };
  assert.equal((await server.sender.post("/v1/cloudevents", JSON.stringify({ advertiser, ad: "a" }), binary)).json.accepted, 1);
  const record = { eventName: "ad.impression", attributes: [{ key: "adtally.ad", value: { stringValue: "a" } }] };
  const logs = { resourceLogs: [{ scopeLogs: [{ logRecords: [record, { body: { stringValue: "GET /" } }] }] }] };
  const otlp = await server.sender.post(`/v1/logs?advertiser=${advertiser}`, logs);
  assert.deepEqual([otlp.status, otlp.json.partialSuccess.rejectedLogRecords], [200, "1"], otlp.text);
  const packed = await server.sender.post(`/v1/logs?advertiser=${advertiser}`, new Uint8Array([10, 0]), { "content-type": "application/x-protobuf" });
  isProblem(packed, 415, "unsupported_encoding", /OTEL_EXPORTER_OTLP_PROTOCOL=http\/json/);
  const browser = server.sender.as(undefined);
  const params = { key: server.writeKey, advertiser, ad: "a", user: "-1", cb: "[CACHEBUSTING]" };
  const headers = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" };
  assert.equal((await browser.get("/v1/vast/impression", params, headers)).status, 200);
  assert.equal((await browser.get("/v1/vast/midpoint", params, headers)).headers.get("x-adtally-code"), "not_an_ad_event");
  const won = { eventType: "bidWon", args: { adId: "p1", creativeId: "77", cpm: 1.5, adUnitCode: "top" } };
  const prebid = await browser.post(`/v1/prebid?key=${server.writeKey}&advertiser=${advertiser}`, JSON.stringify([won, { eventType: "auctionEnd" }]), {
    ...headers,
    ...type("text/plain"),
  });
  assert.deepEqual([prebid.json.accepted, prebid.json.rejected.length], [1, 1], prebid.text);
  await eventually(async () => assert.deepEqual(await counted(advertiser, "impressions,clicks,cost_micros"), { impressions: 3, clicks: 2, cost_micros: 1_500 }));
  const { json } = await server.admin.get("/v1/rejected", { advertiser });
  assert.deepEqual([...new Set(json.rejected.map(({ door }) => door))].sort(), ["otlp", "prebid", "vast"]);
});
