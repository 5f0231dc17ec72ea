// The differences between Node, browsers and other hosts, and nothing else: how to read a file, how to let the event loop run,
// how many threads there are and how one is started.

/** Node's own modules, where the host has them: without an import, since browsers load this file too. From Node 20.16 on. */
function builtin<T>(name: string): T | undefined {
  const { process } = globalThis as { readonly process?: { getBuiltinModule?(name: string): T | undefined } };
  return process?.getBuiltinModule?.(name);
}

/** The bytes of a file, by Node's own function where the host has it: its fetch takes no file: URLs. */
export async function readFileURL(url: URL): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const fs = builtin<typeof import("node:fs/promises")>("node:fs/promises");
  return fs && new Uint8Array(await fs.readFile(url));
}

/** Whether this is the main thread of a page: what takes long here holds up its frames. */
export function onPage(): boolean {
  return typeof document === "object" && typeof requestAnimationFrame === "function" && builtin("node:os") === undefined;
}

/** From when on a turn waits for a frame that is asked for, at 60 a second, and for how long at most. */
const FRAME_MS = 1000 / 60;
const FRAME_WAIT_MS = 10;

/** When a frame was asked for that has not come, how long it may take before a turn waits for it, and who waits. */
let asked: number | undefined;
let patience = FRAME_MS;
let framed: (() => void) | undefined;

/** Asks for the page's next frame, unless that is done. Whether it is overdue. */
function frameIsDue(): boolean {
  if (!onPage()) return false;
  const now = performance.now();
  if (asked !== undefined) return now - asked > patience && document.visibilityState === "visible";
  asked = now;
  requestAnimationFrame(() => {
    asked = undefined;
    framed?.();
  });
  return false;
}

/** Resolves after a message: setTimeout, which older workerd has alone, waits 4 ms once it is nested. */
function nextMessage(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof MessageChannel === "undefined") {
      setTimeout(resolve, 0);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** Resolves after the frame that was asked for; where none comes (a frame outside the window, a slow display), after a while, and the next is waited for later. */
async function nextFrame(): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      patience = Math.min(1000, 2 * patience);
      resolve();
    }, FRAME_WAIT_MS);
    framed = () => {
      clearTimeout(timer);
      patience = FRAME_MS;
      resolve();
    };
  });
  framed = undefined;
  // out of the frame's callback: what follows would hold up its paint
  await nextMessage();
}

/**
 * Resolves in a later turn of the event loop, after timers, input and rendering that are due had their chance.
 * setImmediate where there is one; else a message, and in a page, when its frame is overdue, that frame: Firefox draws only when
 * nothing else is to do (20 frames a second between messages of 8 ms, 60 with this, at 2 % of the training).
 */
export function nextTurn(): Promise<void> {
  if (typeof setImmediate === "function") return new Promise((resolve) => void setImmediate(resolve));
  return frameIsDue() ? nextFrame() : nextMessage();
}

/** Threads that the machine runs at once, 1 where the host does not say. */
export function hardwareThreads(): number {
  const count = builtin<typeof import("node:os")>("node:os")?.availableParallelism() ?? globalThis.navigator?.hardwareConcurrency;
  return Number.isInteger(count) && count! > 0 ? count! : 1;
}

/** Why memory cannot be shared with workers here, or undefined. */
export function sharingRefusal(): string | undefined {
  if (globalThis.crossOriginIsolated === false || typeof SharedArrayBuffer === "undefined") {
    return "the page is not cross-origin isolated, so it has no shared memory; serve it with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp";
  }
  return undefined;
}

let blocking: boolean | undefined;

/** Whether this thread may sleep in a wait: any but a browser's main thread. */
export function mayBlock(): boolean {
  if (blocking === undefined) {
    try {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
      blocking = true;
    } catch {
      blocking = false;
    }
  }
  return blocking;
}

/** What is used of a worker: Node's has `on`, the web's `addEventListener`. */
export interface WorkerLike {
  postMessage(message: unknown): void;
  terminate(): unknown;
  on?(event: string, listener: (value: any) => void): unknown;
  addEventListener?(event: string, listener: (event: any) => void): void;
  ref?(): void;
  unref?(): void;
}

/** What a worker reports beside its messages: that it has failed, and how. */
export interface WorkerEvents {
  message(message: unknown): void;
  failed(cause: unknown): void;
}

/** Listens to a worker of either kind. */
export function listen(worker: WorkerLike, { message, failed }: WorkerEvents): void {
  if (typeof worker.on === "function") {
    worker.on("message", message);
    worker.on("messageerror", failed);
    worker.on("error", failed);
    worker.on("exit", (code: number) => failed(new Error(`the worker exited with code ${code}`)));
    return;
  }
  worker.addEventListener!("message", ({ data }: { readonly data: unknown }) => message(data));
  worker.addEventListener!("messageerror", () => failed(new Error("a message to or from the worker could not be read")));
  worker.addEventListener!("error", (event: Partial<ErrorEvent> & { preventDefault?(): void }) => {
    event.preventDefault?.();
    const { error, message: text, filename, lineno } = event;
    failed(error ?? new Error(text ? `${text} (${filename}:${lineno})` : "the worker's script could not be loaded"));
  });
}

/** Ways to start a worker here, the best first; each may throw, or start a worker that fails before it answers. */
export function workerStarters(script: string): readonly (() => WorkerLike)[] {
  const threads = builtin<typeof import("node:worker_threads")>("node:worker_threads");
  if (threads !== undefined) {
    // no flags and variables of the process: loaders and preloaded modules are no business of these few lines
    return [() => new threads.Worker(script, { eval: true, execArgv: [], env: {}, name: "rosenblatt" })];
  }
  if (typeof Worker === "undefined") return [];
  const fromBlob = (): WorkerLike => {
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    try {
      const worker = new Worker(url, { name: "rosenblatt" });
      for (const event of ["message", "error"]) worker.addEventListener(event, () => URL.revokeObjectURL(url), { once: true });
      return worker;
    } catch (error) {
      URL.revokeObjectURL(url);
      throw error;
    }
  };
  // where a content security policy has no worker-src blob:, the file beside this one
  return [fromBlob, () => new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "rosenblatt" })];
}

/** A thread that answers one message at a time. */
export interface AskedThread {
  /** @throws the signal's reason once it is aborted, or the error with which the thread ended */
  ask(message: unknown, signal?: AbortSignal): Promise<unknown>;
  end(): Promise<unknown>;
}

/**
 * A thread of Node that runs a file which lies beside the module at `base`; undefined where there are no such threads, or no such file (a bundle, another host).
 * @param data what it finds as its workerData
 */
export async function threadOf<T>(file: string, base: string, data: T): Promise<AskedThread | undefined> {
  const threads = builtin<typeof import("node:worker_threads")>("node:worker_threads");
  const files = builtin<typeof import("node:fs")>("node:fs");
  if (threads === undefined || files === undefined || !base.startsWith("file:")) return undefined;
  const url = new URL(file, base);
  if (!files.existsSync(url)) return undefined;
  const worker = new threads.Worker(url, { workerData: data, execArgv: [] });
  return {
    ask: (message, signal) => new Promise((resolve, reject) => {
      const settle = (settled: () => void): void => {
        worker.off("message", answered).off("error", failed).off("exit", left);
        signal?.removeEventListener("abort", aborted);
        settled();
      };
      const answered = (answer: unknown): void => settle(() => resolve(answer));
      const failed = (error: Error): void => settle(() => reject(error));
      const left = (code: number): void => settle(() => reject(new Error(`worker: expected an answer, got an end with code ${code}`)));
      const aborted = (): void => settle(() => reject(signal!.reason));
      if (signal?.aborted) return reject(signal.reason);
      worker.on("message", answered).on("error", failed).on("exit", left);
      signal?.addEventListener("abort", aborted);
      worker.postMessage(message);
    }),
    end: () => worker.terminate(),
  };
}
