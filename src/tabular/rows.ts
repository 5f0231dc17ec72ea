// Rows as a user gives them: an array or an async iterable of objects, each with its cells by the names of their columns.

import { wrongKind } from "../check.js";
import type { Row } from "./columns.js";

/** All rows of an array or an async iterable, each checked to be an object. @throws {TypeError} naming the first that is none */
export async function collectRows(rows: readonly object[] | AsyncIterable<object>, subject: string): Promise<readonly Row[]> {
  if (Array.isArray(rows)) return checkRows(rows, subject);
  if (typeof rows !== "object" || rows === null || !(Symbol.asyncIterator in rows)) {
    throw wrongKind(subject, "an array or an async iterable of objects", rows, "readCSV makes one of a CSV file");
  }
  const all: object[] = [];
  for await (const row of rows) all.push(row);
  return checkRows(all, subject);
}

/** An array of rows, each checked to be an object. @throws {TypeError} naming the first that is none */
export function checkRows(rows: unknown, subject: string): readonly Row[] {
  if (!Array.isArray(rows)) throw wrongKind(subject, "an array of objects", rows);
  for (let i = 0; i < rows.length; i++) {
    const row: unknown = rows[i];
    if (typeof row !== "object" || row === null || Array.isArray(row) || ArrayBuffer.isView(row)) {
      throw wrongKind(`${subject}[${i}]`, "an object with the cells by the names of their columns", row);
    }
  }
  return rows;
}
