// Writes a file so that its path holds the old bytes or the new ones and never anything between, whatever fails and whenever (Node only).
//
//   temporary file in the same folder → write → fsync → rename over the path → fsync of the folder
//
// Rename replaces within one file system only, hence the same folder; without the first fsync a power cut may leave an empty file, without the second
// the old name. The temporary file has a random name and is made with O_EXCL, so that no one else's file and no link is ever written through.

import { randomBytes } from "node:crypto";
import { lstat, open, realpath, rename, stat, unlink, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describeValue, refusal } from "../check.js";

/** What some systems answer to opening or syncing a folder; the bytes are in place by then, and nothing more can be done for them. */
const NO_FOLDER_SYNC = ["EACCES", "EBADF", "EINVAL", "EISDIR", "ENOSYS", "ENOTSUP", "EPERM"];

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
 * points to is replaced. When the promise settles no temporary file is left; if it rejects before the rename, the old file is untouched.
 *
 * @throws {Error} if the path is a folder, a device or a link to nothing, or if the system refuses a step; `cause` is the system's error.
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
  try {
    const target = await existingTarget(path);
    const folder = dirname(target.path);
    const temporary = join(folder, `.rosenblatt-${randomBytes(8).toString("hex")}.tmp`);
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
  } catch (cause) {
    const code = codeOf(cause);
    if (code === undefined) throw cause;
    throw new Error(refusal(`write ${describeValue(path)}`, "a path that can be written", code, ADVICE.get(code)), { cause });
  }
}

/** The path behind symbolic links, with the mode of the file there, if there is one. Devices and pipes (/dev/stdout) cannot be replaced by a rename. */
async function existingTarget(path: string): Promise<{ path: string; mode?: number }> {
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
