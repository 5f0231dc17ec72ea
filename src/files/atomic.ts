// Writes a file so that its path holds the old bytes or the new ones and never anything between, whatever fails and whenever (Node only).
//
//   temporary file in the same folder → write → fsync → rename over the path → fsync of the folder
//
// Rename replaces within one file system only, hence the same folder; without the first fsync a power cut may leave an empty file, without the second
// the old name. The temporary file has a random name and is made with O_EXCL, so that no one else's file and no link is ever written through. A process
// that is killed leaves it behind: the name says whose it is, and the next save into that folder removes it,
//
//   .rosenblatt-<8 digits of the machine>-<process>-<16 random digits>.tmp

import { createHash, randomBytes } from "node:crypto";
import { access, constants, lstat, open, readdir, readlink, realpath, rename, stat, unlink, type FileHandle } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { describeValue, refusal } from "../check.js";

/** What some systems answer to opening or syncing a folder; the bytes are in place by then, and nothing more can be done for them. */
const NO_FOLDER_SYNC = ["EACCES", "EBADF", "EINVAL", "EISDIR", "ENOSYS", "ENOTSUP", "EPERM"];

/** As many links as Linux follows. */
const MOST_LINKS = 40;

const TEMPORARY = /^\.rosenblatt-([0-9a-f]{8})-([1-9][0-9]{0,9})-[0-9a-f]{16}\.tmp$/;

/** No save takes that long: what another machine, or another process of the same number, left is removed after a day. */
const LONGEST_SAVE_MS = 24 * 60 * 60 * 1000;

const ADVICE: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "Make its folder first."],
  ["ENOTDIR", "A part of the path is a file, not a folder."],
  ["EACCES", "Its folder may not be written to."],
  ["EPERM", "Its folder may not be written to."],
  ["EROFS", "Its folder may not be written to."],
  ["ENOSPC", "The disk is full."],
]);

/**
 * Replaces the file at `path`, or makes it, with exactly `bytes`. An existing file's permissions are kept; a symbolic link stays, and the file it
 * points to is replaced. When the promise settles no temporary file is left; if it rejects before the rename, the old file is untouched. Of several
 * saves to one path at the same time, in one process or more, one wins whole.
 *
 * @throws {Error} if the path is a folder, a device or a link to nothing, or if the system refuses a step; `cause` is the system's error.
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
  await naming(path, async () => {
    const target = await existingTarget(path);
    const folder = dirname(target.path);
    const machine = await thisMachine();
    await removeLeftovers(folder, machine);
    const temporary = join(folder, `.rosenblatt-${machine}-${process.pid}-${randomBytes(8).toString("hex")}.tmp`);
    // Private until it has the mode of the file that it replaces; a new one gets what the umask leaves.
    const handle = await open(temporary, "wx", target.mode === undefined ? 0o666 : 0o600);
    try {
      await writeAndSync(handle, bytes, target.mode);
      await rename(temporary, target.path);
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw error;
    }
    await syncFolder(folder);
  });
}

/**
 * Checks, before work whose result goes there, that `path` is one that `writeFileAtomic` can write, as far as that can be known without writing.
 *
 * @throws {Error} as `writeFileAtomic` would
 */
export async function checkWritable(path: string): Promise<void> {
  await naming(path, async () => access(dirname((await existingTarget(path)).path), constants.W_OK | constants.X_OK));
}

/** Eight digits that tell machines apart whose processes are not numbered together: by name and, in containers, by the namespace of the numbers. */
async function thisMachine(): Promise<string> {
  const processes = await readlink("/proc/self/ns/pid").catch(() => "");
  return createHash("sha256").update(`${hostname()} ${processes}`).digest("hex").slice(0, 8);
}

/** Removes the temporary files of saves that no longer run. What cannot be removed is no reason not to save. */
async function removeLeftovers(folder: string, machine: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const [, owner, number] = TEMPORARY.exec(name) ?? [];
    if (owner === undefined) continue;
    const file = join(folder, name);
    if ((owner === machine && !isRunning(Number(number))) || (await isOld(file))) await unlink(file).catch(() => undefined);
  }
}

function isRunning(number: number): boolean {
  try {
    process.kill(number, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== "ESRCH";
  }
}

async function isOld(file: string): Promise<boolean> {
  const stats = await lstat(file).catch(() => undefined);
  return stats !== undefined && Date.now() - stats.mtimeMs > LONGEST_SAVE_MS;
}

/** What `work` throws for the file system's reasons names the path and says what to do. */
export async function naming(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    const code = codeOf(cause);
    if (code === undefined) throw cause;
    throw new Error(refusal(`write ${describeValue(path)}`, "a path that can be written", code, ADVICE.get(code)), { cause });
  }
}

/**
 * Whether a path leads through links to an open file of a process (/dev/stdout, /dev/fd/3), which may be an ordinary file that another program
 * has opened; to replace that would take it away from under it.
 */
export async function isDescriptor(path: string): Promise<boolean> {
  let link = path;
  for (let links = 0; links < MOST_LINKS; links++) {
    const folder = await realpath(dirname(resolve(link))).catch(() => undefined);
    if (folder === undefined) return false;
    link = join(folder, basename(link));
    const next = await readlink(link).catch(() => undefined);
    if (next === undefined) return folder === "/dev/fd";
    if (/^\/proc\/(\d+|self)\/(task\/\d+\/)?fd$/.test(folder)) return true;
    link = resolve(folder, next);
  }
  return false;
}

/** The path behind symbolic links, with the mode of the file there, if there is one. Devices and pipes (/dev/stdout) cannot be replaced by a rename. */
async function existingTarget(path: string): Promise<{ path: string; mode?: number }> {
  if (path === "" || /[/\\]$/.test(path)) throw new Error(refusal(`write ${describeValue(path)}`, "the path of a file", path === "" ? "none" : "that of a folder"));
  if (await isDescriptor(path)) throw new Error(refusal(`write ${describeValue(path)}`, "the path of a file", "a device"));
  const stats = await unlessMissing(stat(path));
  if (stats === undefined) {
    if (await unlessMissing(lstat(path))) throw new Error(refusal(`write ${describeValue(path)}`, "the path of a file", "a link to nothing"));
    return { path };
  }
  if (!stats.isFile()) throw new Error(refusal(`write ${describeValue(path)}`, "the path of a file", stats.isDirectory() ? "a folder" : "a device"));
  return { path: await realpath(path), mode: stats.mode & 0o7777 };
}

async function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function writeAndSync(handle: FileHandle, bytes: Uint8Array, mode: number | undefined): Promise<void> {
  try {
    await handle.writeFile(bytes);
    if (mode !== undefined) await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, "r");
    await handle.sync();
  } catch (error) {
    if (!NO_FOLDER_SYNC.includes(codeOf(error) ?? "")) throw error;
  } finally {
    await handle?.close();
  }
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : undefined;
}
