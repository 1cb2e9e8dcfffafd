// Runs the jobs as WebAssembly in V8; `cargo xtask bench` calls it, one process a measurement.
//
//   node measure.mjs MODULE run JOB FILE [EVENTS] [RUNS]
//   node measure.mjs MODULE cube FILE [RUNS]
//
// Prints what the native program prints, with the size of the module's memory in place of resident memory.

import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [script, task, ...rest] = process.argv.slice(2);
const bindings = await import(pathToFileURL(script));
const module = new WebAssembly.Module(readFileSync(script.replace(/\.js$/, "_bg.wasm")));
const { memory } = bindings.initSync({ module });

const WARM_UP = 3;

/** The first line of a file, then its chunks of records. */
class Records {
  #fd;
  #at;
  #chunkBytes;
  #left;

  constructor(path, chunkBytes, left = Infinity) {
    this.#fd = openSync(path);
    const head = Buffer.alloc(65_536);
    readSync(this.#fd, head, 0, head.length, 0);
    this.names = head.subarray(0, head.indexOf("\n"));
    this.#at = this.names.length + 1;
    this.#chunkBytes = chunkBytes;
    this.#left = left;
  }

  *chunks() {
    const buffer = Buffer.alloc(this.#chunkBytes);
    while (this.#left > 0) {
      const wanted = Math.min(buffer.length, this.#left);
      const read = readSync(this.#fd, buffer, 0, wanted, this.#at);
      if (read === 0) break;
      this.#at += read;
      this.#left -= read;
      yield buffer.subarray(0, read);
    }
    closeSync(this.#fd);
  }
}

/** Time of the processor and of the wall that was spent in measured calls, in seconds. */
class Meter {
  cpu = 0;
  wall = 0;

  measure(work) {
    const wall = performance.now();
    const cpu = process.cpuUsage();
    const result = work();
    const used = process.cpuUsage(cpu);
    this.wall += (performance.now() - wall) / 1e3;
    this.cpu += (used.user + used.system) / 1e6;
    return result;
  }
}

function run(job, path, events = "Infinity", runs = "1") {
  const chunkBytes = bindings.eventChunkBytes();
  const recordBytes = bindings.eventBytes();
  const answer = { job, cpu_s: [], finish_cpu_s: [], wall_s: [], resident_before: memory.buffer.byteLength };
  for (let run = 0; run < Number(runs); run++) {
    const records = new Records(path, chunkBytes, Number(events) * recordBytes);
    const bench = new bindings.Bench(job, records.names);
    const meter = new Meter();
    let bytes = 0;
    for (const chunk of records.chunks()) {
      bench.prepare(chunk);
      meter.measure(() => bench.step());
      bytes += chunk.length;
    }
    const takenIn = meter.cpu;
    meter.measure(() => bench.finish());
    answer.finish_cpu_s.push(meter.cpu - takenIn);
    answer.resident_after ??= memory.buffer.byteLength;
    answer.answer = JSON.parse(bench.answer());
    answer.events = bytes / recordBytes;
    answer.cpu_s.push(meter.cpu);
    answer.wall_s.push(meter.wall);
    bench.free();
  }
  return { ...answer, peak_resident: memory.buffer.byteLength };
}

function cube(path, runs = "1") {
  const records = new Records(path, bindings.cellChunkBytes());
  const cube = new bindings.CubeBench(records.names);
  for (const chunk of records.chunks()) cube.load(chunk);
  cube.finish();
  const queries = {};
  bindings.queries().forEach((name, number) => {
    const answer = JSON.parse(cube.figures(number));
    for (let i = 0; i < WARM_UP; i++) cube.query(number);
    const meters = Array.from({ length: Number(runs) }, () => new Meter());
    for (const meter of meters) meter.measure(() => cube.query(number));
    queries[name] = { cpu_s: meters.map(({ cpu }) => cpu), wall_s: meters.map(({ wall }) => wall), answer };
  });
  return { queries, peak_resident: memory.buffer.byteLength };
}

console.log(JSON.stringify({ run, cube }[task](...rest)));
