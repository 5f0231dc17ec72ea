// Text of whole CSV records → their fields, by RFC 4180 (https://www.rfc-editor.org/rfc/rfc4180) with two liberties: any
// separator, and blanks round a field are dropped (a blank that is the separator is none). Newlines are \n alone.
//
//   record   field separator field … \n        field   text without quotes, or "text with any "" doubled quotes"
//
// A field is cut out of the text by the places of the next separator, newline and quote: the text is never looked at
// character by character.

/** What is wrong with a text, and at which of its characters. */
export class RecordError extends Error {
  constructor(readonly kind: "openingQuote" | "closingQuote" | "notClosed", readonly offset: number) {
    super(kind);
  }
}

const QUOTE = 0x22;

/** Space, tab and form feed. */
function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0c;
}

/**
 * The fields of every record of `text`; a blank line is a record of one empty field.
 * @throws {RecordError} for a quote within a field, text after a closing quote, or a quote that is never closed
 */
export function splitRecords(text: string, separator: string): string[][] {
  const records: string[][] = [];
  const separatorCode = separator.charCodeAt(0);
  const { length } = text;
  const next = (what: string, from: number): number => {
    const at = text.indexOf(what, from);
    return at < 0 ? length : at;
  };
  let quote = next('"', 0);
  let border = next(separator, 0);
  let at = 0;
  while (at < length) {
    const fields: string[] = [];
    let newline = next("\n", at);
    for (;;) {
      let begin = at;
      while (begin < newline && isBlank(text.charCodeAt(begin)) && text.charCodeAt(begin) !== separatorCode) begin++;
      if (begin === quote && quote < length) {
        const { value, end } = quotedField(text, begin);
        fields.push(value);
        at = end;
        quote = next('"', at);
        newline = at > newline ? next("\n", at) : newline;
        while (at < newline && isBlank(text.charCodeAt(at)) && text.charCodeAt(at) !== separatorCode) at++;
        if (at < newline && text.charCodeAt(at) !== separatorCode) throw new RecordError("closingQuote", at);
      } else {
        if (border < begin) border = next(separator, begin);
        at = Math.min(border, newline);
        if (quote < at) throw new RecordError("openingQuote", quote);
        let end = at;
        while (end > begin && isBlank(text.charCodeAt(end - 1))) end--;
        fields.push(text.slice(begin, end));
      }
      if (at >= newline) break;
      at++;
    }
    records.push(fields);
    at = newline + 1;
  }
  return records;
}

/** The field whose opening quote is at `begin`, and the place after its closing quote. */
function quotedField(text: string, begin: number): { value: string; end: number } {
  let doubled = false;
  for (let at = begin + 1; ; at += 2) {
    at = text.indexOf('"', at);
    if (at < 0) throw new RecordError("notClosed", begin);
    if (text.charCodeAt(at + 1) === QUOTE) {
      doubled = true;
      continue;
    }
    const value = text.slice(begin + 1, at);
    return { value: doubled ? value.replaceAll('""', '"') : value, end: at + 1 };
  }
}

/** How many newlines there are before a place. */
export function newlinesBefore(text: string, end: number): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0 && at < end; at = text.indexOf("\n", at + 1)) count++;
  return count;
}
