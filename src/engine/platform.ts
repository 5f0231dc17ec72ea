// The differences between Node, browsers and other hosts, and nothing else: how to inflate bytes, how to let the event loop run,
// how many threads there are and how one is started.

/** Node's own modules, where the host has them: without an import, since browsers load this file too. From Node 20.16 on. */
function builtin<T>(name: string): T | undefined {
  const { process } = globalThis as { readonly process?: { getBuiltinModule?(name: string): T | undefined } };
  return process?.getBuiltinModule?.(name);
}

/**
 * Inflates zlib data: by Node's own function where there is one (0.4 ms for the core, where loading its streams takes 30), else
 * by DecompressionStream, which every other host has (Chrome 80, Firefox 113, Safari 16.4; the raw form came later).
 */
export async function inflate(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const zlib = builtin<typeof import("node:zlib")>("node:zlib");
  if (zlib !== undefined) return new Uint8Array(zlib.inflateSync(data));
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const buffer = builtin<typeof import("node:buffer")>("node:buffer");
  if (buffer !== undefined) return new Uint8Array(buffer.Buffer.from(text, "base64"));
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/**
 * Resolves in a later turn of the event loop, after timers, input and rendering that are due had their chance.
 * setImmediate where there is one; else a message channel, since setTimeout waits 4 ms once it is nested.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") {
      setImmediate(resolve);
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
