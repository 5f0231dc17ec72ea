// What a worker runs, in Node and in browsers: it receives a module, a memory and a place in it, and plays that network's tape
// with the caller until its fit is over. The build embeds this file in the library and ships it as rosenblatt/worker, for a
// factory that is given to `configure`.

import { TeamState } from "../../assembly/codes.js";
import type { Engaged, FromWorker } from "./pool.js";

interface Port {
  postMessage(message: FromWorker): void;
  on?(event: "message", listener: (message: Engaged) => void): void;
  addEventListener?(event: "message", listener: (event: { readonly data: Engaged }) => void): void;
}

interface Host {
  readonly process?: { getBuiltinModule?(name: string): { readonly parentPort: Port | null } | undefined };
}

const port: Port = (globalThis as Host).process?.getBuiltinModule?.("node:worker_threads")?.parentPort ?? (globalThis as unknown as Port);

interface Member {
  serve(control: number, engagement: number): void;
  endTeam(control: number, state: TeamState): void;
}

/**
 * Takes as much unshared memory and drops it, so that this thread's collector comes and lets go of what was shared by earlier
 * fits: V8 before Node 26 does not count that (1,300 MB resident after 3,000 networks without this, 240 MB with it).
 */
function press(memory: WebAssembly.Memory): void {
  try {
    new WebAssembly.Memory({ initial: memory.buffer.byteLength / 65536 });
  } catch {
    // an engine that has no room collects by itself
  }
}

function serve({ id, module, memory, control, engagement }: Engaged): void {
  let member: Member | undefined;
  try {
    press(memory);
    member = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Member;
    port.postMessage({ id });
    member.serve(control, engagement);
  } catch (error) {
    // first of all the others leave their barrier
    member?.endTeam(control, TeamState.broken);
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    port.postMessage({ id, error: { name, message, stack } });
  }
}

if (port.on !== undefined) port.on("message", serve);
else port.addEventListener?.("message", ({ data }) => serve(data));
