// Where and when a figure was taken: machine, runtime, commit; and whether others used the processor meanwhile.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { median, spread } from "./stats.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Load of others that is worth a sentence: cores busy on average; and the spread of the probe, ± percent. */
const OTHERS_CORES = 0.15;
const PROBE_SPREAD = 10;

function git(...parameters) {
  try {
    return execFileSync("git", parameters, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined;
  }
}

/** The commit, "+" behind it where the sources that decide the speed differ from it. */
export function commit() {
  const hash = git("rev-parse", "--short", "HEAD");
  if (hash === undefined) return "unknown";
  return git("status", "--porcelain", "--", "assembly", "src", "package.json") === "" ? hash : `${hash}+`;
}

export function describeMachine() {
  const { node, v8 } = process.versions;
  return {
    cpu: cpus()[0].model.trim(), cores: availableParallelism(), platform: `${process.platform} ${process.arch}`,
    runtime: `Node ${node} (V8 ${v8})`, commit: commit(), date: new Date().toISOString().slice(0, 10),
  };
}

/** "AMD EPYC, 2 cores, Node 20.20.2 (V8 …), commit abc1234" */
export function machineLine({ cpu, cores, runtime, commit: hash }) {
  return `${cpu}, ${cores} cores, ${runtime}, commit ${hash}`;
}

function readLoad() {
  try {
    return Number(readFileSync("/proc/loadavg", "utf8").split(" ")[0]);
  } catch {
    return undefined;
  }
}

/** Seconds that all cores together were busy since the machine started (hundredths in /proc/stat), or undefined. */
function readBusy() {
  try {
    const [, user, nice, system, , , irq, softirq] = readFileSync("/proc/stat", "utf8").split("\n")[0].split(/\s+/).map(Number);
    const busy = (user + nice + system + irq + softirq) / 100;
    return busy > 0 ? busy : undefined;
  } catch {
    return undefined;
  }
}

/** Watches from now on; `end(probes, others)` says how quiet it was. `children`: seconds of processor that own children used. */
export function watch() {
  const started = performance.now();
  const loadBefore = readLoad();
  const busyBefore = readBusy();
  const ownBefore = process.cpuUsage();
  return {
    end(probes, children = 0) {
      const seconds = (performance.now() - started) / 1000;
      const own = process.cpuUsage(ownBefore);
      const busyAfter = readBusy();
      const known = busyBefore !== undefined && busyAfter !== undefined;
      const others = known ? Math.max(0, (busyAfter - busyBefore - (own.user + own.system) / 1e6 - children) / seconds) : undefined;
      const quiet = { seconds, loadBefore, loadAfter: readLoad(), othersCores: others, probe: median(probes), probeSpread: spread(probes) };
      quiet.disturbed = quiet.probeSpread > PROBE_SPREAD || (others ?? 0) > OTHERS_CORES || (loadBefore ?? 0) > 0.5;
      return quiet;
    },
  };
}

/** One paragraph: load before and after, what others used, how steady the probe was, and what to think of the figures. */
export function describeQuiet({ loadBefore, loadAfter, othersCores, probe, probeSpread, disturbed, seconds }) {
  const load = loadBefore === undefined ? "no load average on this system" : `load average ${loadBefore} at the start, ${loadAfter} at the end`;
  const others = othersCores === undefined ? "" : `, other processes used ${othersCores.toFixed(2)} cores on average`;
  const advice = "**Other work disturbed this run**: trust the ratios before the times, and repeat it on a quiet machine.";
  const verdict = disturbed ? advice : "Nothing disturbed this run.";
  return `Measured in ${Math.round(seconds)} s; ${load}${others}; SIMD peak ${probe.toFixed(1)} GFLOP/s ± ${probeSpread.toFixed(0)} % over the run. ${verdict}`;
}
