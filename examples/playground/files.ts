// Files that come and go: a download, and the header of a CSV, whose columns are offered as the target.

export function download(name: string, bytes: Uint8Array | string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes as BlobPart]));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** A header longer than this is none. */
const LONGEST_HEADER = 1_000_000;

/** Names in the first line of a CSV, by the separator that it has most of. What is wrong with the rest the worker says. */
export function columnsOf(text: string): string[] {
  const [line] = /^(?:"(?:[^"]|"")*"|[^"\r\n]|")*/.exec(text.slice(0, LONGEST_HEADER).replace(/^\uFEFF/, ""))!;
  const separator = [",", ";", "\t", "|"].reduce((best, mark) => (line.split(mark).length > line.split(best).length ? mark : best));
  const quoted = new RegExp(`(?:^|\\${separator})(?:\\s*"((?:[^"]|"")*)"\\s*|([^\\${separator}]*))(?=\\${separator}|$)`, "g");
  return [...line.matchAll(quoted)].map(([, inner, plain]) => (inner === undefined ? plain.trim() : inner.replaceAll('""', '"')));
}
