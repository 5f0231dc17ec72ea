// writeFileAtomic when things go wrong: every call of the file system refused in turn, the process killed before and after every one, two processes
// at once. The path must hold the old bytes or the new ones, whole, and nothing may stay beside it for longer than the next save. What it does when all
// goes well is tested in safetensors.test.ts.

import { spawn, spawnSync } from "node:child_process";
import fs, { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { writeFileAtomic } from "../src/files/atomic.js";

/** What writeFileAtomic calls between the first byte of the temporary file and the end. */
const CALLS = ["open", "writeFile", "chmod", "sync", "close", "rename", "open", "sync", "close"];
const RENAME = 5;
const OLD = new Uint8Array(5000).fill(1);
const NEW = new Uint8Array(7000).fill(2);

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atomic-"));
  path = join(folder, "model");
  writeFileSync(path, OLD);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const holds = (bytes: Uint8Array): boolean => Buffer.compare(readFileSync(path), bytes) === 0;

/** Runs the work while `before` hears of each of those calls, and may throw in its place. */
async function watched(before: (index: number, name: string, half: () => Promise<void>) => void | Promise<void>, work: () => Promise<void>): Promise<string[]> {
  const { open, rename } = fs.promises;
  const names: string[] = [];
  const heard = async (name: string, half: () => Promise<void>): Promise<void> => {
    names.push(name);
    await before(names.length - 1, name, half);
  };
  const none = async (): Promise<void> => undefined;
  fs.promises.open = async (...given) => {
    await heard("open", none);
    const handle = await open(...given);
    const { writeFile, chmod, sync, close } = handle;
    handle.writeFile = async (data, ...rest) => {
      await heard("writeFile", async () => writeFile.call(handle, (data as Uint8Array).subarray(0, 3000), ...rest));
      return writeFile.call(handle, data, ...rest);
    };
    handle.chmod = async (mode) => { await heard("chmod", none); return chmod.call(handle, mode); };
    handle.sync = async () => { await heard("sync", none); return sync.call(handle); };
    handle.close = async () => {
      // a handle that fails to close is closed all the same
      try { await heard("close", none); } finally { await close.call(handle); }
    };
    return handle;
  };
  fs.promises.rename = async (from, to) => { await heard("rename", none); return rename(from, to); };
  syncBuiltinESMExports();
  try {
    await work();
  } finally {
    Object.assign(fs.promises, { open, rename });
    syncBuiltinESMExports();
  }
  return names;
}

const systemError = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code });

describe("a call that the system refuses", () => {
  test("is one of these, in this order", async () => {
    expect(await watched(() => undefined, () => writeFileAtomic(path, NEW))).toEqual(CALLS);
    expect(holds(NEW)).toBe(true);
  });

  const cases = CALLS.flatMap((name, index) => ["ENOSPC", "EIO", "EACCES", "EROFS", "EXDEV", "EDQUOT"].map((code) => [code, name, index] as const));
  test.each(cases)("%s of %s, call %i", async (code, _, index) => {
    let failure: Error | undefined;
    const refuse = (at: number): void => { if (at === index) throw systemError(code); };
    await watched(refuse, () => writeFileAtomic(path, NEW)).catch((error: Error) => void (failure = error));
    expect(holds(index <= RENAME ? OLD : NEW)).toBe(true);
    expect(readdirSync(folder)).toEqual(["model"]);
    // a folder that may not be opened or synced is no failure: some systems have none that can
    if (index > RENAME && code === "EACCES" && index < CALLS.length - 1) expect(failure).toBeUndefined();
    else {
      expect(failure?.message).toMatch(new RegExp(`^write '.*': expected a path that can be written, got ${code}`));
      expect((failure?.cause as NodeJS.ErrnoException).code).toBe(code);
    }
  });

  test("a disk that is full after half of the bytes", async () => {
    const full = async (_: number, name: string, half: () => Promise<void>): Promise<void> => {
      if (name !== "writeFile") return;
      await half();
      throw systemError("ENOSPC");
    };
    await expect(watched(full, () => writeFileAtomic(path, NEW)).then(() => undefined)).rejects.toThrow(/got ENOSPC\. The disk is full/);
    expect(holds(OLD)).toBe(true);
    expect(readdirSync(folder)).toEqual(["model"]);
  });
});

describe("another process", () => {
  let tools: string;
  let script: string;
  beforeAll(async () => {
    tools = mkdtempSync(join(tmpdir(), "atomic-child-"));
    chmodSync(tools, 0o755);
    script = join(tools, "child.mjs");
    // node child.mjs path value times k after: writes 7,000 bytes of `value`, and kills itself before (or after) its k-th call
    const contents = `
      import fs from "node:fs";
      import { syncBuiltinESMExports } from "node:module";
      import { writeFileAtomic } from "./src/files/atomic.ts";
      const [path, value, times, k, after] = process.argv.slice(2);
      let calls = 0;
      const around = (call) => async function (...given) {
        const last = calls++ === Number(k);
        if (last && after === "before") process.kill(process.pid, "SIGKILL");
        const result = await call.apply(this, given);
        if (last) process.kill(process.pid, "SIGKILL");
        return result;
      };
      const { open, rename } = fs.promises;
      fs.promises.open = around(async (...given) => {
        const handle = await open(...given);
        for (const name of ["writeFile", "chmod", "sync", "close"]) handle[name] = around(handle[name]);
        return handle;
      });
      fs.promises.rename = around(rename);
      syncBuiltinESMExports();
      for (let i = 0; i < Number(times); i++) await writeFileAtomic(path, new Uint8Array(7000).fill(Number(value)));
      process.stdout.write(String(calls));
    `;
    await build({ stdin: { contents, resolveDir: process.cwd(), loader: "ts" }, outfile: script, bundle: true, platform: "node", format: "esm", target: "es2022", logLevel: "error" });
    chmodSync(script, 0o644);
  });
  afterAll(() => rmSync(tools, { recursive: true, force: true }));

  test("makes as many calls as are tried below", () => {
    expect(spawnSync(process.execPath, [script, path, "2", "1", "-1", "before"], { encoding: "utf8" }).stdout).toBe(String(CALLS.length));
    expect(holds(NEW)).toBe(true);
  });

  const moments = CALLS.flatMap((name, k) => [["before", name, k], ["after", name, k]] as const);
  test.each(moments)("killed %s %s, call %i, leaves the old file or the new one, and the next save tidies up", async (when, _, k) => {
    const { signal } = spawnSync(process.execPath, [script, path, "2", "1", String(k), when]);
    expect(signal).toBe("SIGKILL");
    const renamed = k > RENAME || (k === RENAME && when === "after");
    expect(holds(renamed ? NEW : OLD)).toBe(true);
    const left = readdirSync(folder).filter((name) => name !== "model");
    expect(left.length).toBe(renamed || (k === 0 && when === "before") ? 0 : 1);
    for (const name of left) expect(name).toMatch(/^\.rosenblatt-[0-9a-f]{8}-\d+-[0-9a-f]{16}\.tmp$/);
    await writeFileAtomic(path, NEW);
    expect(readdirSync(folder)).toEqual(["model"]);
  });

  test("saving at the same time never leaves a mixture, nor takes the other's temporary file", async () => {
    const children = ["3", "4"].map((value) => spawn(process.execPath, [script, path, value, "60", "-1", "before"], { stdio: ["ignore", "pipe", "inherit"] }));
    const codes = children.map((child) => new Promise<number | null>((resolve) => child.on("exit", resolve)));
    let running = true;
    const ended = Promise.all(codes).then((all) => { running = false; return all; });
    const seen = new Set<number>();
    while (running) {
      const bytes = readFileSync(path);
      expect(new Set(bytes).size).toBe(1);
      expect(bytes.length).toBe(bytes[0] === 1 ? OLD.length : 7000);
      seen.add(bytes[0]);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(await ended).toEqual([0, 0]);
    expect([...seen].some((value) => value > 2)).toBe(true);
    expect(readdirSync(folder)).toEqual(["model"]);
  });

  test("that may not write to the folder says so and leaves all as it is", () => {
    chmodSync(folder, 0o555);
    const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
    const { status, stderr } = spawnSync(process.execPath, [script, path, "2", "1", "-1", "before"], { encoding: "utf8", ...user });
    chmodSync(folder, 0o755);
    expect(status).toBe(1);
    expect(stderr).toMatch(/Error: write '.*': expected a path that can be written, got EACCES\. Its folder may not be written to\./);
    expect(holds(OLD)).toBe(true);
    expect(readdirSync(folder)).toEqual(["model"]);
  });
});

describe("temporary files in the folder", () => {
  const machine = async (): Promise<string> => {
    let name = "";
    await watched((index) => { if (index === 1) name = readdirSync(folder).find((each) => each !== "model")!; }, () => writeFileAtomic(path, NEW));
    return name.slice(12, 20);
  };
  const days = (count: number): number => Date.now() / 1000 - count * 86400;

  test("are left alone while their process may run, or if they are not ours", async () => {
    const here = await machine();
    const kept = [`.rosenblatt-${here}-${process.pid}-0123456789abcdef.tmp`, ".rosenblatt-00000000-999999999-0123456789abcdef.tmp", `.rosenblatt-${here}-0-0123456789abcdef.tmp`, ".rosenblatt-x.tmp", "model.tmp"];
    for (const name of kept) writeFileSync(join(folder, name), "x");
    utimesSync(join(folder, "model.tmp"), days(9), days(9));
    await writeFileAtomic(path, NEW);
    expect(new Set(readdirSync(folder))).toEqual(new Set([...kept, "model"]));
  });

  test("are removed when their process has ended, or after a day", async () => {
    const here = await machine();
    writeFileSync(join(folder, `.rosenblatt-${here}-999999999-0123456789abcdef.tmp`), "x");
    const old = join(folder, ".rosenblatt-00000000-1-0123456789abcdef.tmp");
    writeFileSync(old, "x");
    utimesSync(old, days(2), days(2));
    await writeFileAtomic(path, NEW);
    expect(readdirSync(folder)).toEqual(["model"]);
    expect(statSync(path).size).toBe(NEW.length);
  });
});
