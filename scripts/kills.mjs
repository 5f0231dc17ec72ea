// Kills trainings at random moments (SIGKILL, during a save too) and goes on from the last checkpoint each time: every training
// must end in the bytes of one that nobody interrupted.
//
//   npm run kills -- [200] [--seed 1]
//
// Prints the kills, how many left a file half written beside the checkpoint (which is one that hit a save), and the trainings
// that were finished. Exit code 1 for a checkpoint that cannot be read, or for other bytes.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeResult } from "./results.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const command = join(root, "dist", "cli.js");
const data = join(root, "examples", "data", "digits.csv");
/** Long enough that several kills fit into one training. */
const training = ["train", data, "--target", "digit", "--epochs", "250", "--patience", "250", "--seed", "4", "--threads", "1", "--quiet"];
/** Of the kills, those that do not wait for a checkpoint. */
const EARLY_SHARE = 0.2;
const LONGEST_WAIT_MS = 400;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { seed: { type: "string", default: "1" } } });
const wanted = Number(positionals[0] ?? 200);

/** Park and Miller's generator, so that a run can be repeated as far as moments can. */
let state = Number(values.seed) * 48271 % 2147483647;
const random = () => (state = (state * 48271) % 2147483647) / 2147483647;

const hash = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");
const stamp = (file) => (existsSync(file) ? statSync(file, { bigint: true }).ino : undefined);

const folder = mkdtempSync(join(tmpdir(), "rosenblatt-kills-"));
const [whole, model, checkpoint] = ["whole", "model", "checkpoint"].map((name) => join(folder, `${name}.safetensors`));

function start(parameters) {
  const child = spawn(process.execPath, [command, ...parameters], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const ended = new Promise((resolve) => child.on("close", (code, signal) => resolve({ code, signal, stderr })));
  return { child, ended };
}

/** Starts or resumes the training and kills it; "finished" if it was done before. */
async function attempt() {
  const resumed = existsSync(checkpoint);
  const before = stamp(checkpoint);
  const { child, ended } = start([...training, "--out", model, "--checkpoint", checkpoint, "--every", "0.01", ...(resumed ? ["--resume", checkpoint] : [])]);
  let over = false;
  void ended.then(() => (over = true));
  if (random() >= EARLY_SHARE) while (!over && stamp(checkpoint) === before) await sleep(5);
  await sleep(random() * LONGEST_WAIT_MS);
  child.kill("SIGKILL");
  const { code, signal, stderr } = await ended;
  if (signal === "SIGKILL") return "killed";
  if (code === 0) return "finished";
  throw new Error(`exit code ${code}: ${stderr.trim()}`);
}

let kills = 0;
let halves = 0;
let finished = 0;
/** What a run of so many kills came to. */
const keep = (figure, passed) => writeResult("kills", { figure, passed, size: wanted, seed: Number(values.seed), kills, halves, finished });
try {
  const { code, stderr } = await start([...training, "--out", whole]).ended;
  if (code !== 0) throw new Error(stderr);
  const expected = hash(whole);
  for (;;) {
    if ((kills < wanted ? await attempt() : "last") === "killed") {
      kills++;
      for (const name of readdirSync(folder).filter((each) => each.endsWith(".tmp"))) {
        halves++;
        rmSync(join(folder, name));
      }
      continue;
    }
    if (kills >= wanted) {
      const last = await start([...training, "--out", model, ...(existsSync(checkpoint) ? ["--resume", checkpoint] : [])]).ended;
      if (last.code !== 0) throw new Error(`exit code ${last.code}: ${last.stderr.trim()}`);
    }
    finished++;
    if (hash(model) !== expected) throw new Error(`training ${finished} ended in other bytes after ${kills} kills`);
    rmSync(checkpoint, { force: true });
    rmSync(model);
    if (kills >= wanted) break;
  }
  console.log(`${kills} kills, ${halves} of them during a save; ${finished} trainings finished, all in the bytes ${expected.slice(0, 16)}… of the uninterrupted one`);
  keep(`${kills} kills, ${halves} of them during a save; ${finished} trainings finished, all in the bytes of the uninterrupted one`, true);
} catch (error) {
  keep(`after ${kills} kills: ${error.message.split("\n")[0]}`, false);
  console.error(`kills: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
