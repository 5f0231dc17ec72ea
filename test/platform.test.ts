// What the library asks of its host, in hosts of our making: a page with frames, a web worker, a machine that does not say how many threads
// it has. Browsers themselves are tested in test/browser.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { hardwareThreads, listen, mayBlock, nextTurn, onPage, readFileURL, sharingRefusal, threadOf, workerStarters } from "../src/engine/platform.js";
import { StepAdvice } from "../src/train/advice.js";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** Takes Node's own modules away, as a page has none. */
function withoutNode(): void {
  vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined as never);
}

/** A page: a document, frames that come when they are called for, messages, no setImmediate. */
function page(): { frames: (() => void)[]; document: { visibilityState: string } } {
  withoutNode();
  const frames: (() => void)[] = [];
  const document = { visibilityState: "visible" };
  vi.stubGlobal("document", document);
  vi.stubGlobal("requestAnimationFrame", (frame: () => void) => frames.push(frame));
  vi.stubGlobal("setImmediate", undefined);
  return { frames, document };
}

describe("the main thread of a page", () => {
  test("has a document and frames, and is not Node", () => {
    expect(onPage()).toBe(false);
    vi.stubGlobal("document", {});
    vi.stubGlobal("requestAnimationFrame", () => 0);
    expect(onPage()).toBe(false);
    withoutNode();
    expect(onPage()).toBe(true);
    vi.stubGlobal("requestAnimationFrame", undefined);
    expect(onPage()).toBe(false);
    vi.stubGlobal("requestAnimationFrame", () => 0);
    vi.stubGlobal("document", undefined);
    expect(onPage()).toBe(false);
  });
});

describe("a turn of the event loop", () => {
  test("comes after a timer that is due, by setImmediate, a message or a timer", async () => {
    for (const missing of [[], ["setImmediate"], ["setImmediate", "MessageChannel"]]) {
      for (const name of missing) vi.stubGlobal(name, undefined);
      const order: string[] = [];
      void Promise.resolve().then(() => order.push("microtask"));
      await nextTurn().then(() => order.push("turn"));
      expect(order).toEqual(["microtask", "turn"]);
    }
  });

  test("asks a page for one frame at a time, waits for it once it is overdue, and leaves its callback before it goes on", async () => {
    const { frames, document } = page();
    const now = vi.spyOn(performance, "now").mockReturnValue(1000);
    await nextTurn();
    expect(frames).toHaveLength(1);
    now.mockReturnValue(1016);
    await nextTurn();                                                  // not overdue: no second request, no wait
    expect(frames).toHaveLength(1);
    now.mockReturnValue(1017);
    document.visibilityState = "hidden";
    await nextTurn();                                                  // a page that is not seen has no frames
    document.visibilityState = "visible";
    let passed = false;
    const turn = nextTurn().then(() => void (passed = true));
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(passed).toBe(false);
    frames.shift()!();
    await Promise.resolve();
    expect(passed).toBe(false);
    await turn;
    expect(frames).toHaveLength(0);
    await nextTurn();                                                  // the frame came: the next is asked for
    expect(frames).toHaveLength(1);
    frames.shift()!();
  });

  test("does not wait for ever for a frame that does not come, and waits for the next one later", async () => {
    const { frames } = page();
    const now = vi.spyOn(performance, "now").mockReturnValue(2000);
    const timers = vi.spyOn(globalThis, "setTimeout");
    await nextTurn();
    now.mockReturnValue(2017);
    await nextTurn();                                                  // no frame: by the timer
    expect(timers.mock.calls.map(([, ms]) => ms)).toEqual([10]);
    now.mockReturnValue(2033);
    await nextTurn();                                                  // within twice a frame's time: no wait
    expect(timers).toHaveBeenCalledTimes(1);
    now.mockReturnValue(2034);
    await nextTurn();
    expect(timers).toHaveBeenCalledTimes(2);
    now.mockReturnValue(3001);                                         // a second has passed, however often it did not come
    for (let i = 0; i < 8; i++) await nextTurn();
    expect(timers.mock.calls.length).toBeGreaterThan(2);
    frames.forEach((frame) => frame());
  });
});

describe("threads of the machine", () => {
  test("are those that Node says, else those that the navigator says, else 1", () => {
    expect(hardwareThreads()).toBeGreaterThanOrEqual(1);
    withoutNode();
    for (const [said, count] of [[6, 6], [1, 1], [0, 1], [-2, 1], [2.5, 1], [undefined, 1], [NaN, 1]]) {
      vi.stubGlobal("navigator", { hardwareConcurrency: said });
      expect(hardwareThreads()).toBe(count);
    }
    vi.stubGlobal("navigator", undefined);
    expect(hardwareThreads()).toBe(1);
  });

  test("share memory but in a page that is not isolated, or where there is none to share", () => {
    expect(sharingRefusal()).toBeUndefined();
    vi.stubGlobal("crossOriginIsolated", true);
    expect(sharingRefusal()).toBeUndefined();
    vi.stubGlobal("crossOriginIsolated", false);
    expect(sharingRefusal()).toMatch(/not cross-origin isolated.*Cross-Origin-Opener-Policy: same-origin/);
    vi.stubGlobal("crossOriginIsolated", undefined);
    vi.stubGlobal("SharedArrayBuffer", undefined);
    expect(sharingRefusal()).toMatch(/no shared memory/);
  });

  test("may sleep in Node", () => expect(mayBlock()).toBe(true));
});

describe("what a worker reports", () => {
  function listening(worker: object): { messages: unknown[]; failures: unknown[] } {
    const [messages, failures]: unknown[][] = [[], []];
    listen(worker as never, { message: (message) => messages.push(message), failed: (cause) => failures.push(cause) });
    return { messages, failures };
  }

  test("as Node's do", () => {
    const listeners: Record<string, (value: unknown) => void> = {};
    const { messages, failures } = listening({ on: (event: string, listener: () => void) => (listeners[event] = listener) });
    listeners["message"]!({ done: 1 });
    expect(messages).toEqual([{ done: 1 }]);
    const cause = new Error("broken");
    listeners["error"]!(cause);
    listeners["messageerror"]!(cause);
    listeners["exit"]!(7);
    expect(failures.slice(0, 2)).toEqual([cause, cause]);
    expect((failures[2] as Error).message).toBe("the worker exited with code 7");
  });

  test("as the web's do: the error itself, its words, or that the script did not load; the page's own report is prevented", () => {
    const worker = new EventTarget();
    const { messages, failures } = listening(worker);
    worker.dispatchEvent(Object.assign(new Event("message"), { data: 5 }));
    expect(messages).toEqual([5]);
    const error = new Error("thrown");
    const event = Object.assign(new Event("error", { cancelable: true }), { error });
    worker.dispatchEvent(event);
    expect(event.defaultPrevented).toBe(true);
    worker.dispatchEvent(Object.assign(new Event("error"), { message: "no such name", filename: "worker.js", lineno: 3 }));
    worker.dispatchEvent(new Event("error"));
    worker.dispatchEvent(new Event("messageerror"));
    expect(failures[0]).toBe(error);
    expect(failures.slice(1).map((one) => (one as Error).message)).toEqual([
      "no such name (worker.js:3)", "the worker's script could not be loaded", "a message to or from the worker could not be read",
    ]);
  });
});

describe("ways to start a worker", () => {
  let started: { url: string; options: object }[];
  let revoked: string[];
  let refuses: boolean;

  class WebWorker extends EventTarget {
    constructor(url: string | URL, options: object) {
      super();
      if (refuses) throw new Error("policy");
      started.push({ url: String(url), options });
    }
  }

  beforeEach(() => {
    [started, revoked, refuses] = [[], [], false];
    vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:it");
    vi.spyOn(URL, "revokeObjectURL").mockImplementation((url) => void revoked.push(url));
  });

  test("are none without Node and Worker", () => {
    withoutNode();
    vi.stubGlobal("Worker", undefined);
    expect(workerStarters("")).toEqual([]);
  });

  test("are a script's own address, let go of after the first event, then the file beside the library", () => {
    withoutNode();
    vi.stubGlobal("Worker", WebWorker);
    const starters = workerStarters("1");
    expect(starters).toHaveLength(2);
    for (const event of ["message", "error"]) {
      const worker = starters[0]!() as unknown as EventTarget;
      expect(started.at(-1)).toEqual({ url: "blob:it", options: { name: "rosenblatt" } });
      expect(revoked).toEqual([]);
      worker.dispatchEvent(new Event(event));
      expect(revoked.splice(0)).toEqual(["blob:it"]);
    }
    starters[1]!();
    expect(started.at(-1)!.url).toMatch(/worker\.js$/);
    expect(started.at(-1)!.options).toEqual({ type: "module", name: "rosenblatt" });
  });

  test("let go of the address when the host refuses", () => {
    withoutNode();
    refuses = true;
    vi.stubGlobal("Worker", WebWorker);
    expect(() => workerStarters("1")[0]!()).toThrow("policy");
    expect(revoked).toEqual(["blob:it"]);
  });
});

describe("files and threads of Node", () => {
  let folder = "";
  let base = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rosenblatt-platform-"));
    base = pathToFileURL(join(folder, "base.js")).href;
    await writeFile(join(folder, "thread.mjs"), `import { parentPort, workerData } from "node:worker_threads";
      parentPort.on("message", (message) => {
        if (message === "exit") process.exit(3);
        if (message === "throw") throw new Error("thrown there");
        if (message !== "silence") parentPort.postMessage([workerData, message]);
      });`);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("a file is read by Node, and by nobody elsewhere", async () => {
    const url = pathToFileURL(join(folder, "bytes"));
    await writeFile(url, Uint8Array.of(1, 2, 3));
    expect(await readFileURL(url)).toEqual(Uint8Array.of(1, 2, 3));
    withoutNode();
    expect(await readFileURL(url)).toBeUndefined();
  });

  test("a thread answers with what it was given, one message after the other", async () => {
    const thread = (await threadOf("./thread.mjs", base, 7))!;
    expect(await thread.ask("one")).toEqual([7, "one"]);
    expect(await thread.ask("two")).toEqual([7, "two"]);
    await thread.end();
  });

  test.each([["throw", "thrown there"], ["exit", "worker: expected an answer, got an end with code 3"]])("a thread that ends by %s rejects with why", async (message, cause) => {
    const thread = (await threadOf("./thread.mjs", base, 7))!;
    await expect(thread.ask(message)).rejects.toThrow(cause);
    await thread.end();
  });

  test("a question is given up when its signal is aborted, or at once if it was", async () => {
    const thread = (await threadOf("./thread.mjs", base, 7))!;
    const controller = new AbortController();
    const asked = thread.ask("silence", controller.signal);
    controller.abort(new Error("enough"));
    await expect(asked).rejects.toThrow("enough");
    await expect(thread.ask("one", controller.signal)).rejects.toThrow("enough");
    expect(await thread.ask("one", new AbortController().signal)).toEqual([7, "one"]);
    await thread.end();
  });

  test("there is no thread without the file, beside what is no file, or without Node", async () => {
    expect(await threadOf("./nothing.mjs", base, 7)).toBeUndefined();
    expect(await threadOf("./thread.mjs", "https://example.com/base.js", 7)).toBeUndefined();
    withoutNode();
    expect(await threadOf("./thread.mjs", base, 7)).toBeUndefined();
  });
});

describe("the advice about long steps", () => {
  test("is for pages alone", () => {
    expect(StepAdvice.of({}, 1)).toBeUndefined();
    page();
    expect(StepAdvice.of({}, 1)).toBeDefined();
  });

  test("comes once, after three long steps in a row that took 400 ms, with the shortest of them", () => {
    page();
    const warned = vi.spyOn(console, "warn").mockReturnValue();
    const network = {};
    const advice = StepAdvice.of(network, 64)!;
    advice.took(300, 1);
    advice.took(300, 1);
    expect(warned).not.toHaveBeenCalled();                             // two steps
    advice.took(16, 1);                                                // a short one: from the start
    for (let i = 0; i < 7; i++) advice.took(50, 1);
    expect(warned).not.toHaveBeenCalled();                             // 350 ms
    advice.took(71.234, 1);
    expect(warned.mock.calls).toEqual([[
      "rosenblatt: fit: expected steps of at most 16 ms on a page's main thread, got 50 ms a step. The page stutters meanwhile: call fit in a Worker, or use a smaller batchSize (64)",
    ]]);
    for (let i = 0; i < 9; i++) advice.took(500, 1);
    expect(warned).toHaveBeenCalledTimes(1);
    expect(StepAdvice.of(network, 64)).toBeUndefined();
  });

  test("counts steps that were measured together, and has no smaller batch to offer than 1", () => {
    page();
    const warned = vi.spyOn(console, "warn").mockReturnValue();
    StepAdvice.of({}, 1)!.took(133.456, 3);
    expect(warned.mock.calls).toEqual([["rosenblatt: fit: expected steps of at most 16 ms on a page's main thread, got 133 ms a step. The page stutters meanwhile: call fit in a Worker"]]);
  });
});
