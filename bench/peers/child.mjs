// The parent's side of a contender: a process that answers one line for each line.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** The longest that one request may take; synaptic compiles and TensorFlow.js trains T6 for many seconds. */
const LONGEST_MS = 180_000;

export class Contender {
  constructor({ name, start }, network, folder) {
    const { command, parameters, environment } = start(network, folder);
    this.name = name;
    this.cpu = 0;
    this.problem = undefined;
    this.process = spawn(command, parameters, { env: environment, stdio: ["pipe", "pipe", "pipe"] });
    this.stderr = "";
    this.process.stderr.on("data", (text) => { this.stderr = (this.stderr + text).slice(-2000); });
    this.process.stdin.on("error", () => {});
    this.waiting = undefined;
    this.answers = [];
    createInterface({ input: this.process.stdout }).on("line", (line) => {
      if (!line.startsWith("{")) return; // what a library prints of itself
      this.settle(JSON.parse(line));
    });
    this.process.on("exit", (code) => this.settle({ error: `exit code ${code}: ${this.stderr.trim().split("\n").at(-1)}` }));
    this.process.on("error", ({ message }) => this.settle({ error: message }));
  }

  settle(answer) {
    if (answer.cpu !== undefined) this.cpu = answer.cpu;
    const { waiting } = this;
    this.waiting = undefined;
    if (waiting === undefined) this.answers.push(answer);
    else waiting(answer);
  }

  /** The next line that the process writes. */
  async next() {
    if (this.answers.length > 0) return this.answers.shift();
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(() => resolve({ error: `no answer in ${LONGEST_MS / 1000} s` }), LONGEST_MS);
    });
    const answer = await Promise.race([new Promise((resolve) => { this.waiting = resolve; }), late]);
    clearTimeout(timer);
    return answer;
  }

  /** Sends a request and resolves to its answer; { error } if the process failed or ended. */
  ask(request) {
    this.process.stdin.write(`${JSON.stringify(request)}\n`);
    return this.next();
  }

  end() {
    this.process.stdin.write(`${JSON.stringify({ end: true })}\n`);
    this.process.stdin.end();
    const { process: child } = this;
    setTimeout(() => child.kill(), 2000).unref();
  }
}
