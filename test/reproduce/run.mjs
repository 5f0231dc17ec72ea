// A job in a process of its own, for Node, Deno and Bun: `run.mjs <file of the library> <folder of builds> <job as JSON>` prints the result as JSON.

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { work } from "./job.mjs";

const [file, builds, job] = process.argv.slice(2);
const library = await import(pathToFileURL(file).href);
const result = await work(library, async (name) => new Uint8Array(await readFile(`${builds}/${name}`)), JSON.parse(job));
console.log(JSON.stringify(result));
