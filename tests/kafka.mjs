// A cluster of Kafka for tests, and a broker's front that does on purpose what networks and brokers do by accident.
//
// The cluster is librdkafka's own. It stores whatever it is sent and knows no sequence numbers of idempotent producers,
// so the front keeps them as brokers do: the last five batches of a producer are known again, and a gap is refused.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import tls from "node:tls";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("kafka.py", import.meta.url));
const [PRODUCE, METADATA, HANDSHAKE, VERSIONS, AUTHENTICATE] = [0, 3, 17, 18, 36];
/** How many batches of a producer a broker knows again. */
const REMEMBERED = 5;

/** A program of the Python client, whose lines are JSON. */
function start(python, args, onLine) {
  const child = spawn(python, [PROGRAM, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface(child.stdout);
  lines.on("line", (line) => onLine(JSON.parse(line)));
  const stop = async () => {
    if (child.exitCode !== null) return;
    const exited = once(child, "exit");
    child.stdin.end();
    const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await exited;
    clearTimeout(timer);
  };
  return { child, lines, stop };
}

/** Starts a cluster; `brokers` are their addresses. */
export async function startCluster(python, { brokers = 2, topic }) {
  let told;
  const running = start(python, ["cluster", String(brokers), topic], (line) => (told ??= line));
  await Promise.race([once(running.lines, "line"), once(running.child, "exit")]);
  if (told === undefined) throw new Error("the cluster did not start");
  return { ...told, stop: running.stop };
}

/** Reads a topic from its beginning; `records` grows. */
export function startConsumer(python, brokers, topic) {
  const records = [];
  const running = start(python, ["consume", brokers.join(","), topic], (line) => records.push(line));
  return { records, stop: running.stop };
}

/** Frames of a stream: four bytes of length before each. */
async function* frames(socket) {
  let rest = Buffer.alloc(0);
  for await (const chunk of socket) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0);
      yield rest.subarray(4, end);
      rest = rest.subarray(end);
    }
  }
}

const framed = (body) => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
};

/** Writes numbers and texts as Kafka does. */
function written(...parts) {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === "string") return Buffer.concat([written([2, part.length]), Buffer.from(part)]);
      if (Buffer.isBuffer(part)) return part;
      const [size, value] = part;
      const bytes = Buffer.alloc(size);
      size === 8 ? bytes.writeBigInt64BE(BigInt(value)) : bytes.writeIntBE(value, 0, size);
      return bytes;
    }),
  );
}

/** What a Produce request of version 3 with one batch says. */
function batchOf(body) {
  assert.equal(body.readInt16BE(0), -1, "no transaction");
  const acks = body.readInt16BE(2);
  const topicEnd = 14 + body.readInt16BE(12);
  const topic = body.toString("utf8", 14, topicEnd);
  const partition = body.readInt32BE(topicEnd + 4);
  const records = topicEnd + 12;
  const [producer, epoch] = [body.readBigInt64BE(records + 43), body.readInt16BE(records + 51)];
  const [base, count] = [body.readInt32BE(records + 53), body.readInt32BE(records + 57)];
  return { topic, acks, partition, producer, epoch, base, count, bytes: body.subarray(records).toString("base64") };
}

/** An answer to it: no error and an offset, or an error. */
const produced = ({ topic, partition }, error, offset) =>
  written([4, 1], topic, [4, 1], [4, partition], [2, error], [8, offset], [8, -1], [4, 0]);

/** An authority that signs certificates. */
export class Authority {
  #folder;
  #name;
  #count = 0;

  /** `certificate` is the file of what has to be trusted. */
  constructor(folder, name) {
    Object.assign(this, { certificate: join(folder, `${name}.crt`) });
    [this.#folder, this.#name] = [folder, name];
    this.#make(name, ["-x509", "-days", "2", "-subj", `/CN=${name}`]);
  }

  /** A key and its certificate. */
  sign(host) {
    const name = `${this.#name}-${this.#count++}`;
    this.#make(name, ["-subj", `/CN=${host}`]);
    const file = (ending) => join(this.#folder, `${name}.${ending}`);
    writeFileSync(file("ext"), `subjectAltName=DNS:${host}`);
    const [authority, key] = ["crt", "key"].map((ending) => join(this.#folder, `${this.#name}.${ending}`));
    openssl("x509", "-req", "-in", file("crt"), "-CA", authority, "-CAkey", key, "-CAcreateserial", "-days", "2", "-extfile", file("ext"), "-out", file("signed"));
    return { key: readFileSync(file("key")), cert: readFileSync(file("signed")) };
  }

  /** A key, and a certificate or the request of one. */
  #make(name, args) {
    const [key, out] = ["key", "crt"].map((ending) => join(this.#folder, `${name}.${ending}`));
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", out, ...args);
  }
}

const openssl = (...args) => execFileSync("openssl", args, { stdio: "ignore" });

/** A front of each broker of a cluster. */
export class Front {
  /** Batches that were stored, in order. */
  batches = [];
  /** Batches that came again and were known. */
  repeats = 0;
  /** What is done to the next batches: `lose_answer`, `lose_request`, or an error code that is answered instead. */
  faults = [];
  /** Batches that were refused as a gap. */
  gaps = 0;
  /** Rejected logins. */
  strangers = 0;
  addresses = [];
  #known = new Map();
  #servers = [];
  #sockets = new Set();
  #turn = Promise.resolve();
  #ports = new Map();

  /** `sasl` is `{ mechanism, username, password }`; `secure` is `{ key, cert }`; `host` is how it is called. */
  constructor({ sasl, secure, host = "127.0.0.1" } = {}) {
    Object.assign(this, { sasl, secure, host });
  }

  async start(brokers) {
    for (const broker of brokers) {
      const port = Number(broker.split(":").at(-1));
      const serve = (socket) => this.#serve(socket, port).catch(() => {}).finally(() => socket.destroy());
      const server = this.secure ? tls.createServer(this.secure, serve) : net.createServer(serve);
      server.on("tlsClientError", () => {});
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      this.#servers.push(server);
      this.#ports.set(port, server.address().port);
      this.addresses.push(`${this.host}:${server.address().port}`);
    }
    return this;
  }

  /** Cuts every connection. */
  cut() {
    const count = this.#sockets.size;
    this.#sockets.forEach((socket) => socket.destroy());
    return count;
  }

  async stop() {
    this.cut();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  /** Forgets all producers, as brokers do with those that are silent for long. */
  forget() {
    this.#known.clear();
  }

  async #serve(client, port) {
    this.#sockets.add(client);
    client.on("error", () => {}).on("close", () => this.#sockets.delete(client));
    const broker = net.connect(port, "127.0.0.1");
    broker.on("error", () => {});
    await once(broker, "connect");
    const answers = frames(broker);
    const ask = async (request) => {
      broker.write(framed(request));
      const { value, done } = await answers.next();
      if (done) throw new Error("the broker is gone");
      return value;
    };
    let login = this.sasl && this.#login();
    login?.next();
    try {
      for await (const request of frames(client)) {
        const key = request.readInt16BE(0);
        const correlation = request.subarray(4, 8);
        const body = request.subarray(10 + Math.max(0, request.readInt16BE(8)));
        let answer;
        if (this.sasl && [VERSIONS, HANDSHAKE, AUTHENTICATE].includes(key)) {
          const { done, value } = login.next({ key, body });
          answer = Buffer.concat([correlation, value]);
          if (done) login = undefined;
        } else if (login) {
          this.strangers++;
          return;
        } else if (key === PRODUCE) {
          const turn = this.#turn.then(() => this.#produce(request, body, ask));
          this.#turn = turn.catch(() => {});
          const told = await turn;
          if (told === undefined) return;
          answer = Buffer.concat([correlation, told]);
        } else {
          answer = await ask(request);
          if (key === METADATA) answer = this.#elsewhere(answer);
        }
        if (!client.destroyed) client.write(framed(answer));
      }
    } finally {
      broker.destroy();
    }
  }

  /** One batch at a time, whoever sends it and whether or not he is still there to hear of it. */
  async #produce(request, body, ask) {
    const batch = batchOf(body);
    assert.equal(batch.acks, -1);
    const fault = this.faults.shift();
    if (fault === "lose_request") return undefined;
    if (typeof fault === "number") return produced(batch, fault, -1);
    const key = `${batch.producer} ${batch.partition}`;
    const known = this.#known.get(key) ?? [];
    const same = known.find(({ base, count }) => base === batch.base && count === batch.count);
    let answer;
    if (same) {
      this.repeats++;
      assert.equal(batch.bytes, same.bytes, "a batch that is sent again has the same bytes");
      answer = produced(batch, 0, same.offset);
    } else if (batch.base !== (known.length > 0 ? known.at(-1).base + known.at(-1).count : 0)) {
      this.gaps++;
      answer = produced(batch, known.length > 0 ? 45 : 59, -1);
    } else {
      answer = (await ask(request)).subarray(4);
      const at = 10 + answer.readInt16BE(4) + 4;
      assert.equal(answer.readInt16BE(at), 0, "the cluster stores it");
      this.batches.push(batch);
      this.#known.set(key, [...known, { ...batch, offset: answer.readBigInt64BE(at + 2) }].slice(-REMEMBERED));
    }
    return fault === "lose_answer" ? undefined : answer;
  }

  /** Says of each broker that it is where its front is. */
  #elsewhere(answer) {
    const changed = Buffer.from(answer);
    for (const [port, front] of this.#ports) {
      const listed = written("127.0.0.1", [4, port]);
      // As long as the other, so that nothing moves.
      assert.equal(this.host.length, "127.0.0.1".length);
      const shown = written(this.host, [4, front]);
      for (let at = changed.indexOf(listed); at >= 0; at = changed.indexOf(listed, at + 1)) shown.copy(changed, at);
    }
    return changed;
  }

  /** The broker's side of a login, step by step; what it returns at last is the answer to the right proof. */
  *#login() {
    const { mechanism, username, password } = this.sasl;
    const apis = [[0, 9], [3, 9], [17, 1], [18, 3], [22, 4], [36, 1]];
    const versions = written([2, 0], [4, apis.length], ...apis.flatMap(([key, max]) => [[2, key], [2, 0], [2, max]]));
    yield;
    const wrong = () => (this.strangers++, written([2, 58], "no such user, or another password", [4, 0]));
    const token = (text) => written([2, 0], [2, -1], [4, Buffer.byteLength(text)], Buffer.from(text));
    let { body } = yield versions;
    const asked = body.toString("utf8", 2);
    if (asked !== mechanism) yield written([2, 33], [4, 1], mechanism);
    ({ body } = yield written([2, 0], [4, 1], mechanism));
    const first = body.toString("utf8", 4);
    if (mechanism === "PLAIN") {
      if (first === `\0${username}\0${password}`) return token("");
      while (true) yield wrong();
    }
    const bare = first.slice(3);
    assert.ok(bare.startsWith(`n=${username},r=`), first);
    const salt = randomBytes(16);
    const challenge = `${bare.slice(bare.indexOf("r="))}${randomBytes(12).toString("hex")}`;
    const server = `${challenge},s=${salt.toString("base64")},i=4096`;
    ({ body } = yield token(server));
    const [, without, proof] = body.toString("utf8", 4).match(/^(.*),p=(.*)$/);
    assert.equal(without, `c=biws,${challenge}`);
    const [hash, length] = mechanism === "SCRAM-SHA-512" ? ["sha512", 64] : ["sha256", 32];
    const salted = pbkdf2Sync(password, salt, 4096, length, hash);
    const mac = (key, text) => createHmac(hash, key).update(text).digest();
    const clientKey = mac(salted, "Client Key");
    const all = `${bare},${server},${without}`;
    const signature = mac(createHash(hash).update(clientKey).digest(), all);
    const expected = Buffer.from(clientKey.map((byte, place) => byte ^ signature[place])).toString("base64");
    if (proof === expected) return token(`v=${mac(mac(salted, "Server Key"), all).toString("base64")}`);
    while (true) yield wrong();
  }
}
