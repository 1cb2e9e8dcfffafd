// The peer of reading events in V8: `JSON.parse`, line by line, in bodies of ten thousand lines.
//
//   node json_parse.mjs FILE.ndjson RUNS
//
// Prints the seconds of the processor a run took, and what was read.

import { readFileSync } from "node:fs";

const BODY_LINES = 10_000;

const [path, runs = "1"] = process.argv.slice(2);
const bytes = readFileSync(path);

/** The bodies as a server gets them: bytes. */
const bodies = [];
for (let start = 0; start < bytes.length; ) {
  let end = start;
  for (let line = 0; line < BODY_LINES && end < bytes.length; line++) end = bytes.indexOf(10, end) + 1;
  bodies.push(bytes.subarray(start, end));
  start = end;
}

const answer = { cpu_s: [] };
for (let run = 0; run < Number(runs); run++) {
  const start = process.cpuUsage();
  let [events, cost] = [0, 0];
  for (const body of bodies) {
    for (const line of body.toString("utf8").split("\n")) {
      if (line === "") continue;
      const event = JSON.parse(line);
      events++;
      cost += event.cost_micros;
    }
  }
  const { user, system } = process.cpuUsage(start);
  answer.cpu_s.push((user + system) / 1e6);
  answer.check = [events, cost];
}
console.log(JSON.stringify(answer));
