// Errors about a model file say which file it is.

import { basename } from "node:path";
import { describeValue, ModelFormatError } from "../check.js";

/** Does the work; the error of a file that is no model names the file by the last part of its path. @throws what the work throws */
export async function namingFile<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ModelFormatError)) throw error;
    const subject = `load ${describeValue(basename(path))}`;
    throw new ModelFormatError(error.code, error.message.startsWith("load: ") ? error.message.replace("load", () => subject) : `${subject}: ${error.message}`);
  }
}
