// A client that costs little: requests are bytes, answers are not looked into.

import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const LINE_END = Buffer.from("\r\n\r\n");

/** When to send again what was refused for the moment. */
const RETRY_MS = 100;

/** One connection: one request at a time, kept alive. */
class Connection {
  #socket;
  #head;
  #received = [];
  #wake;

  static async open(port, token) {
    const connection = new Connection();
    connection.#head = `POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/x-ndjson\r\nContent-Length: `;
    connection.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await new Promise((resolve, reject) => connection.#socket.once("connect", resolve).once("error", reject));
    connection.#socket.on("data", (bytes) => connection.#hear(bytes));
    connection.#socket.on("close", () => connection.#wake?.reject(new Error("the connection was closed")));
    connection.#socket.on("error", (error) => connection.#wake?.reject(error));
    return connection;
  }

  /** Posts a body; the status of the answer. */
  post(body) {
    this.#socket.cork();
    this.#socket.write(`${this.#head}${Buffer.byteLength(body)}\r\n\r\n`);
    this.#socket.write(body);
    this.#socket.uncork();
    return new Promise((resolve, reject) => (this.#wake = { resolve, reject }));
  }

  #hear(bytes) {
    this.#received.push(bytes);
    const all = this.#received.length === 1 ? bytes : Buffer.concat(this.#received);
    const end = all.indexOf(LINE_END);
    if (end < 0) return;
    const head = all.toString("latin1", 0, end);
    const length = /content-length: *(\d+)/i.exec(head);
    const isWhole = length ? all.length >= end + 4 + Number(length[1]) : all.subarray(-5).toString() === "0\r\n\r\n";
    if (!isWhole) return;
    this.#received = [];
    this.#wake.resolve(Number(head.slice(9, 12)));
  }

  close() {
    this.#wake = undefined;
    this.#socket.destroy();
  }
}

/**
 * Posts bodies over some connections for a time, or until there is no further body.
 *
 * `body()` makes the next one: its text and how many events it has. With `pace`, at most so many requests a second.
 * What is refused for the moment is sent again, `patience` times at most.
 */
export async function load({ port, token, connections, seconds = Infinity, pace = Infinity, patience = 100, body }) {
  const latencies = [];
  const statuses = {};
  let [requests, events, started] = [0, 0, 0];
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(port, token)));
  const start = performance.now();
  const cpu = process.cpuUsage();
  const end = start + seconds * 1e3;
  const acknowledged = async (connection, text) => {
    for (let attempt = 0; attempt < patience; attempt++) {
      const status = await connection.post(text);
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status === 202) return true;
      if (status !== 429 && status !== 503) return false;
      await sleep(RETRY_MS);
    }
    return false;
  };
  const client = async (connection) => {
    while (performance.now() < end) {
      const due = start + (started++ * 1e3) / pace;
      if (due > performance.now()) await sleep(due - performance.now());
      const next = body();
      if (next === undefined) return;
      const sent = performance.now();
      if (!(await acknowledged(connection, next.text))) return;
      latencies.push(performance.now() - sent);
      requests++;
      events += next.events;
    }
  };
  await Promise.all(open.map(client));
  const took = (performance.now() - start) / 1e3;
  const { user, system } = process.cpuUsage(cpu);
  open.forEach((connection) => connection.close());
  // A client that needs most of a core measures itself.
  const clientCores = (user + system) / 1e6 / took;
  return { requests, events, seconds: took, statuses, clientCores, latency: percentiles(latencies) };
}

/** The usual percentiles, in the unit of the values. */
export function percentiles(values) {
  const sorted = Float64Array.from(values).sort();
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: sorted.at(-1) };
}

/** Events of one advertiser without end: 1.5 % clicks, a few conversions, each naming its parent. */
export class Traffic {
  #advertiser;
  #users;
  #count = 0;
  #start;
  #step;

  /** Events begin at `start` and come `step` ms apart, over and over in 50,000 steps. */
  constructor(advertiser, users = 100_000, { start = Date.now() - 60_000, step = 1 } = {}) {
    this.#advertiser = advertiser;
    this.#users = users;
    this.#start = start;
    this.#step = step;
  }

  get count() {
    return this.#count;
  }

  #event() {
    const n = this.#count++;
    const user = `u${(n * 7919) % this.#users}`;
    const base = `"advertiser":"${this.#advertiser}","at":${this.#start + (n % 50_000) * this.#step}`;
    if (n % 67 === 66) return `{"kind":"click","id":"c${n}","impression":"i${n - 60}","user":"u${((n - 60) * 7919) % this.#users}",${base}}`;
    if (n % 1675 === 1600) return `{"kind":"conversion","id":"v${n}","user":"${user}","label":"purchase","value_micros":${n},${base}}`;
    const [campaign, ad, service] = [n % 50, n % 350, n % 8];
    return (
      `{"kind":"impression","id":"i${n}","user":"${user}","campaign":"campaign-${campaign}","ad":"ad-${ad}","service":"service-${service}",` +
      `"placement":"place-${n % 40}","country":"${["KR", "US", "JP", "DE", "FR"][n % 5]}","device":"${["mobile", "desktop"][n % 2]}",` +
      `"cost_micros":${300 + (n % 1000)},${base}}`
    );
  }

  /** A body of so many events. */
  body(events) {
    let text = "";
    for (let i = 0; i < events; i++) text += `${this.#event()}\n`;
    return { text, events };
  }
}
