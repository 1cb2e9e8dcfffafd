// Processes that end with this one, whatever ends it, also `kill -9`.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Runs the command until it ends or the pipe at 3 is closed, which the kernel does when the process that holds it is gone.
 * `kill 0` reaches the whole process group, of which this shell is the leader.
 */
const LEASH = `
"$@" </dev/null &
command=$!
(while read -r _; do :; done; kill -TERM $command; sleep 5; kill -KILL 0) <&3 &
wait $command
status=$?
kill -KILL $!
exit $status`;

/** A command and all that it starts, in a session of their own. */
export class Leashed {
  #shell;
  #ended;

  /** What the command prints is added to the file `log`. */
  constructor(command, { cwd, env, log }) {
    const output = openSync(log, "a");
    const stdio = ["ignore", output, output, "pipe"];
    this.#shell = spawn("sh", ["-c", LEASH, "leash", ...command], { cwd, env, detached: true, stdio });
    closeSync(output);
    this.#ended = once(this.#shell, "exit");
  }

  get hasEnded() {
    return this.#shell.exitCode !== null || this.#shell.signalCode !== null;
  }

  /** Asks the command to end, and ends what is left after `patience` ms. */
  async end(patience) {
    this.#shell.stdio[3].end();
    await Promise.race([this.#ended, sleep(patience, undefined, { ref: false })]);
    await this.kill9();
  }

  /** Ends every process of the session at once, as a power cut would. */
  async kill9() {
    const { pid } = this.#shell;
    // A process that forks while the list is read would be missed: look again until none is left.
    for (let pids = sessionOf(pid); pids.length > 0; pids = sessionOf(pid)) {
      for (const member of pids) kill(member);
      await sleep(5);
    }
    if (!this.hasEnded) kill(-pid);
    await this.#ended;
  }
}

function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** Living processes of a session; where there is no /proc the process group has to do. */
function sessionOf(sid) {
  if (!existsSync("/proc/self/stat")) return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        // `pid (command) state ppid pgrp session …`; the command may contain anything, also ")".
        const [state, , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        // A zombie is gone, unless others of its threads are not: they keep its ports.
        const isGone = () => state === "Z" && readdirSync(`/proc/${pid}/task`).length <= 1;
        return Number(session) === sid && !isGone();
      } catch {
        return false;
      }
    });
}
