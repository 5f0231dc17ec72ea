// Workers that are killed, throw, exit or hang at random moments: every fit must end as it ends alone, or be rejected with the
// cause and the network in the state of the last good epoch; the pool is replaced, and the next fit ends in the bytes of one thread.
//
//   node scripts/worker-kills.mjs [runs] [seed]        1,000 runs unless told; writes build/reliability/worker-kills.json
//
// test/worker-kills.test.ts does forty.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import { writeResult } from "./results.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** A fit that is killed has to be rejected within this time: what hangs is looked at every 0.25 s, and the machine may be busy. */
const LONGEST_MS = 20_000;

/** Joins by hand, as thread 1 or later, with the words of the control block at hand; then does that. */
const joined = (acts) => `
  const whole = WebAssembly.Instance;
  WebAssembly.Instance = function (module, imports) {
    const { exports } = new whole(module, imports);
    const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    return { exports: { ...exports, serve(control) {
      const words = new Int32Array(imports.env.memory.buffer);
      const at = (offset) => Atomics.load(words, (control + offset) / 4);
      const thread = Atomics.add(words, (control + 128) / 4, 1) & 255;
      // takes a share of the job that is open, if there is one, and never reports it
      const take = () => {
        for (let tries = 0; tries < 1e7; tries++) {
          const share = thread % ((at(0) & 255) || 2);
          const line = at(280) / 4 + 16 * (share + 1);
          const position = Atomics.load(words, line);
          if ((at(0) & 255) > share + 1 && Atomics.load(words, line + 1) === position && Atomics.compareExchange(words, line, position, position + 1) === position) return;
        }
      };
      ${acts}
    } } };
  };
`;

/** What befalls a worker: code before the library's own, and whether it is terminated from outside after so many ms. */
const fates = {
  "terminated": () => ({ before: "", terminate: true }),
  "throws at the start": (ms) => ({ before: `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${ms}); throw new RangeError("planted");` }),
  "throws when it instantiates": () => ({ before: `WebAssembly.Instance = function () { throw new RangeError("planted"); };` }),
  "throws as a member": (ms) => ({ before: joined(`pause(${ms}); throw new RangeError("planted");`) }),
  "throws in a share": (ms) => ({ before: joined(`pause(${ms}); take(); throw new RangeError("planted");`) }),
  "exits as a member": (ms) => ({ before: joined(`pause(${ms}); process.exit(3);`) }),
  "exits in a share": (ms) => ({ before: joined(`pause(${ms}); take(); process.exit(3);`) }),
  "hangs in a share until it is terminated": (ms) => ({ before: joined(`pause(${ms}); take(); for (;;) pause(1000);`), terminate: true }),
};

/** What a rejected fit may say: the cause is in it. */
const CAUSE = /^fit: a worker (failed|could not be started) \(.*(planted|exited with code [013])/;

/** The library and its workers' script, bundled from the sources. */
async function prepare() {
  const folder = await mkdtemp(join(tmpdir(), "rosenblatt-kills-"));
  try {
    const contents = `export * from "./src/index.ts"; export { workerScript } from "./build/embedded.js";`;
    await build({
      stdin: { contents, resolveDir: root, loader: "ts" }, outfile: join(folder, "library.mjs"), bundle: true, format: "esm", platform: "node", logLevel: "silent",
    });
    return await import(pathToFileURL(join(folder, "library.mjs")).href);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Numbers in (−1, 1) from a seed, the same everywhere. */
function numbers(count, seed) {
  let state = seed + 1;
  return Float32Array.from({ length: count }, () => ((state = (state * 16807) % 2147483647) / 2147483647) * 2 - 1);
}

/** Does so many runs. Returns how many fits were rejected and how many ended, for each fate, and what went wrong. */
export async function measureKills(runs, seed = 1) {
  const { configure, dense, Network, workerScript } = await prepare();
  const draws = numbers(4 * runs, seed);
  const [inputs, targets] = [numbers(171 * 13, 7), Array.from({ length: 171 }, (_, i) => (7 * i) % 5)];
  const create = () => Network.create({ inputs: 13, layers: [dense(67, "tanh"), dense(33, "relu"), dense(5, "softmax")], seed: 4 });
  const options = { epochs: 80, batchSize: 19 };
  const bytesOf = (network) => Buffer.from(network.save({ optimizer: false })).toString("latin1");
  // the state after every epoch, by one thread
  const states = [];
  const alone = await create();
  states.push(bytesOf(alone));
  await alone.fit(inputs, targets, { ...options, threads: 1, onEpoch: () => void states.push(bytesOf(alone)) });
  const counts = Object.fromEntries(Object.keys(fates).map((name) => [name, { rejected: 0, completed: 0 }]));
  const wrong = [];
  let longest = 0;
  for (let run = 0; run < runs; run++) {
    const name = Object.keys(fates)[run % Object.keys(fates).length];
    const [delay, victim, size, end] = draws.subarray(4 * run, 4 * run + 4).map(Math.abs);
    const threads = 2 + Math.floor(3 * size);
    const { before, terminate } = fates[name](Math.floor(12 * delay));
    let made = 0;
    const timers = [];
    const chosen = Math.floor(victim * (threads - 1));
    configure({
      worker: () => {
        const unlucky = made++ === chosen;
        const worker = new Worker(`${unlucky ? before : ""}\n${workerScript}`, { eval: true });
        if (unlucky && terminate) timers.push(setTimeout(() => void worker.terminate(), 60 * end));
        return worker;
      },
    });
    const network = await create();
    let epochs = 0;
    const started = performance.now();
    let late;
    const limit = new Promise((resolve) => (late = setTimeout(() => resolve("hung"), LONGEST_MS)));
    const outcome = await Promise.race([network.fit(inputs, targets, { ...options, threads, onEpoch: () => void epochs++ }).then(() => "completed", (error) => error), limit]);
    clearTimeout(late);
    timers.forEach(clearTimeout);
    longest = Math.max(longest, performance.now() - started);
    const say = (text) => wrong.push(`run ${run} (${name}, ${threads} threads): ${text}`);
    if (outcome === "hung") {
      say(`no end after ${LONGEST_MS} ms`);
      continue;
    }
    if (outcome === "completed") {
      counts[name].completed++;
      if (bytesOf(network) !== states.at(-1)) say("other bytes than one thread's");
    } else {
      counts[name].rejected++;
      if (!CAUSE.test(outcome.message)) say(`rejected without its cause: ${outcome.message}`);
      if (!(outcome.cause instanceof Error)) say("an error without `cause`");
      if (bytesOf(network) !== states[epochs]) say(`not in the state of epoch ${epochs}`);
    }
    // the pool serves the next fit, from this state, to the bytes of one thread
    configure({});
    const copy = await network.clone();
    await copy.fit(inputs, targets, { epochs: 1, batchSize: 19, threads: 1 });
    await network.fit(inputs, targets, { epochs: 1, batchSize: 19, threads });
    if (bytesOf(copy) !== bytesOf(network)) say("the next fit has other bytes than one thread's");
  }
  return { runs, seed, longestMs: Math.round(longest), counts, wrong };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const result = await measureKills(Number(process.argv[2] ?? 1000), Number(process.argv[3] ?? 1));
  for (const [name, { rejected, completed }] of Object.entries(result.counts)) console.log(`${name.padEnd(42)} ${rejected} rejected, ${completed} completed`);
  for (const line of result.wrong) console.error(line);
  console.log(`${result.runs} runs, the longest fit ${result.longestMs} ms, ${result.wrong.length} wrong`);
  writeResult("worker-kills", { figure: `${result.runs} runs, ${result.wrong.length} wrong; the longest fit ${result.longestMs} ms`, passed: result.wrong.length === 0, size: result.runs, ...result });
  process.exitCode = result.wrong.length > 0 ? 1 : 0;
}
