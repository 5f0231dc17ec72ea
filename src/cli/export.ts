// rosenblatt export: a model file → an ONNX model or an ES module, written whole or not at all. A table's preparation of numeric columns and the scale of
// its target go along; a network that no table made goes as it is.

import { checkWritable, writeFileAtomic } from "../files/atomic.js";
import { namingFile } from "../files/named.js";
import { loadFile } from "../node.js";
import { toONNX } from "../onnx/index.js";
import { tabularModule, tabularONNX } from "../tabular/export.js";
import { tabularOf } from "../tabular/tabular.js";
import { isSameFile, UsageError } from "./input.js";
import { escapeControls } from "./terminal.js";

/** What a model can be exported to. */
export const exportFormats = ["onnx", "module"] as const;

export interface ExportOptions {
  to?: (typeof exportFormats)[number];
  out?: string;
}

/** Exports, and returns what goes to stdout: nothing. */
export async function exportModel(path: string, { to, out }: ExportOptions): Promise<string> {
  if (to === undefined) throw new UsageError("required option '--to <format>' not specified");
  if (out === undefined) throw new UsageError("required option '--out <file>' not specified");
  if (out === "-") throw new UsageError("--out: expected the path of a file, got '-'");
  if (await isSameFile(path, out)) throw new UsageError(`--out: expected another file than the model, got ${out}`);
  await checkWritable(out);
  const network = await loadFile(path);
  const model = network.tabular === undefined ? undefined : await namingFile(path, () => tabularOf(network));
  const bytes = to === "onnx"
    ? (model === undefined ? toONNX(network) : tabularONNX(model, "export"))
    : new TextEncoder().encode(model === undefined ? network.toModule() : tabularModule(model, "export"));
  await writeFileAtomic(out, bytes);
  process.stderr.write(`${to === "onnx" ? "ONNX model" : "module"} written to ${escapeControls(out)}\n`);
  return "";
}
