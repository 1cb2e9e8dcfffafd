// A client of the HTTP API, as small as the tests need it.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

/** One caller of one server: requests carry its token. */
export class Api {
  constructor(url, token) {
    this.url = url;
    this.token = token;
  }

  /** The same server seen by somebody else; `undefined` is nobody. */
  as(token) {
    return new Api(this.url, token);
  }

  /** `params` values may be arrays: the parameter is repeated. */
  async request(method, path, { params = {}, body, headers = {} } = {}) {
    const url = new URL(path, this.url);
    for (const [name, values] of Object.entries(params)) {
      for (const value of [values].flat()) if (value !== undefined) url.searchParams.append(name, value);
    }
    const sent = { ...headers };
    if (this.token !== undefined) sent.authorization ??= `Bearer ${this.token}`;
    if (body !== undefined && typeof body === "object" && !(body instanceof Uint8Array)) {
      body = JSON.stringify(body);
      sent["content-type"] ??= "application/json";
    }
    const answer = await fetch(url, { method, body, headers: sent, redirect: "manual" });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, json: parsed(answer, text) };
  }

  async get(path, params, headers) {
    return this.request("GET", path, { params, headers });
  }

  async put(path, body) {
    return this.request("PUT", path, { body });
  }

  async post(path, body, headers) {
    return this.request("POST", path, { body, headers });
  }

  async delete(path) {
    return this.request("DELETE", path);
  }

  /** Posts events that must all be stored or known. */
  async collect(events) {
    const answer = await this.post("/v1/events", ndjson(events), { "content-type": "application/x-ndjson" });
    assert.equal(answer.status, 202, answer.text);
    assert.deepEqual(answer.json.rejected, []);
    assert.equal(answer.json.accepted + answer.json.duplicates, events.length, answer.text);
    return answer.json;
  }

  /** The answer of a report that must succeed. */
  async report(params) {
    const answer = await this.get("/v1/reports", params);
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  }

  /** The rows of a report as objects. */
  async rows(params) {
    const report = await this.report(params);
    return report.rows.map((row) => Object.fromEntries(report.columns.map(({ name }, i) => [name, row[i]])));
  }

  /** The totals of a report without grouping. */
  async totals(params) {
    return (await this.report(params)).totals;
  }
}

function parsed(answer, text) {
  return /[/+]json/.test(answer.headers.get("content-type") ?? "") ? JSON.parse(text) : undefined;
}

/** One JSON document per line. */
export function ndjson(events) {
  return events.map((event) => JSON.stringify(event)).join("\n") + "\n";
}

/** Asserts a problem answer: status, stable code, and a message that says what `about` matches. */
export function isProblem(answer, status, code, about = /./) {
  assert.equal(answer.status, status, answer.text);
  assert.match(answer.headers.get("content-type"), /^application\/problem\+json/);
  assert.equal(answer.json.code, code, answer.text);
  assert.equal(answer.json.status, status);
  assert.match(answer.json.detail, about);
  assert.ok(answer.json.type && answer.json.title, answer.text);
}

/** Runs `check` until it stops throwing; after `within` ms its last error counts. Answers how long it took. */
export async function eventually(check, within = 2_000) {
  const start = Date.now();
  for (;;) {
    try {
      await check();
      return Date.now() - start;
    } catch (error) {
      if (Date.now() - start > within) throw error;
    }
    await sleep(25);
  }
}

/** Maps with at most `width` calls under way. */
export async function mapConcurrently(items, width, call) {
  const results = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await call(items[index], index);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

/**
 * Sends events until they are acknowledged, over restarts of the server that take less than `patience` ms.
 *
 * Answers how often they had to be sent again.
 */
export async function untilAcknowledged(sender, events, patience = 60_000) {
  const end = Date.now() + patience;
  for (let attempt = 0; Date.now() < end; attempt++) {
    const answer = await sender
      .post("/v1/events", ndjson(events), { "content-type": "application/x-ndjson" })
      .catch(() => ({ status: "no answer" }));
    if (answer.status === 202) {
      assert.deepEqual(answer.json.rejected, []);
      assert.equal(answer.json.accepted + answer.json.duplicates, events.length);
      return attempt;
    }
    // What a server that goes down or comes up may say; anything else is a bug.
    assert.ok(["no answer", 429, 500, 502, 503].includes(answer.status), `${answer.status} ${answer.text}`);
    await sleep(50);
  }
  throw new Error("no acknowledgement any more");
}
