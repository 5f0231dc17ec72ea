// What a person sees: colour where there is a terminal, aligned tables, and progress, which is a bar on a terminal and a
// few plain lines anywhere else. Nothing here writes to stdout; results are returned as text.

import * as util from "node:util";

/** Control characters of data would be obeyed by a terminal: they are shown as \u{…}. Newlines too: a message is one line. */
export function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

/** A word as a shell takes it: in quotes where it holds more than plain characters. Control characters stay out of a terminal. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${escapeControls(text).replaceAll("'", `'\\''`)}'`;
}

type Style = "bold" | "dim" | "green" | "red" | "yellow" | "cyan";

/** The text in colour if the stream is a terminal and NO_COLOR is not set (https://no-color.org). */
export function styled(stream: { isTTY?: boolean }, style: Style, text: string): string {
  // util.styleText came with Node 20.12.
  const plain = stream.isTTY !== true || (process.env.NO_COLOR ?? "") !== "" || util.styleText === undefined;
  return plain ? text : util.styleText(style, text);
}

/** A text cut to so many characters, with … in place of what is lost. */
export function cut(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join("")}…`;
}

/** Rows of cells as lines: the first column to the left, all others to the right, two spaces between. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => [...row[column]].length)));
  return rows
    .map((row) => row.map((cell, column) => {
      const space = " ".repeat(widths[column] - [...cell].length);
      return column === 0 ? cell + space : space + cell;
    }).join("  ").trimEnd())
    .join("\n");
}

/** The most classes that a confusion matrix is shown for: 20 columns of 6 characters fit a wide terminal. */
const MOST_SHOWN_CLASSES = 20;
const LABEL_WIDTH = 12;

/** A confusion matrix with the true classes down and the predicted ones across; of many classes only the most frequent mistakes. */
export function formatConfusion(matrix: readonly (readonly number[])[], classes: readonly unknown[]): string {
  const labels = classes.map((label) => cut(escapeControls(String(label)), LABEL_WIDTH));
  if (classes.length <= MOST_SHOWN_CLASSES) {
    return table([["true \\ predicted", ...labels], ...matrix.map((row, i) => [labels[i], ...row.map((count) => (count === 0 ? "·" : String(count)))])]);
  }
  const mistakes = matrix.flatMap((row, i) => row.map((count, k) => ({ count, i, k }))).filter(({ count, i, k }) => count > 0 && i !== k);
  mistakes.sort((a, b) => b.count - a.count || a.i - b.i || a.k - b.k);
  return table([["true", "predicted", "rows"], ...mistakes.slice(0, MOST_SHOWN_CLASSES).map(({ count, i, k }) => [labels[i], labels[k], String(count)])]);
}

/** Four significant digits, without an exponent where that is short. */
export function figure(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** 4.2 s, 3 min 20 s, 2 h 5 min. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** 950, 31.2 k, 1.25 M. */
export function rate(perSecond: number): string {
  if (perSecond < 1000) return perSecond.toFixed(0);
  return perSecond < 1e6 ? `${Number((perSecond / 1e3).toPrecision(3))} k` : `${Number((perSecond / 1e6).toPrecision(3))} M`;
}

/** The epoch that just ended, for `Progress`. */
export interface ProgressReport {
  readonly epoch: number;
  readonly loss: number;
  readonly validationLoss: number | undefined;
  readonly samplesPerSecond: number;
}

/** Milliseconds between two drawings of the bar. */
const REDRAW_MS = 100;
const BAR_WIDTH = 20;
/** A shorter bar is left out. */
const SHORTEST_BAR = 8;
/** Of a terminal that does not tell its width. */
export const USUAL_WIDTH = 80;
/** Lines where there is no terminal, the first and last included. */
const PLAIN_LINES = 20;

/** Training as it goes: on a terminal a bar with loss, time left and rate, redrawn in place; else at most 20 lines. */
export class Progress {
  private drawnAt = -Infinity;
  private lastShown: ProgressReport | undefined;
  private last: ProgressReport | undefined;
  private readonly startedAt = performance.now();

  constructor(private readonly stream: Pick<NodeJS.WriteStream, "isTTY" | "columns" | "write">, private readonly epochs: number) {}

  update(report: ProgressReport): void {
    this.last = report;
    if (this.stream.isTTY) {
      const now = performance.now();
      if (now - this.drawnAt < REDRAW_MS) return;
      this.drawnAt = now;
      const left = (this.seconds / report.epoch) * (this.epochs - report.epoch);
      this.draw(report, report.epoch / this.epochs, `${duration(left)} left`);
    } else if (report.epoch % Math.ceil(this.epochs / (PLAIN_LINES - 1)) === 0) {
      this.line(report);
    }
  }

  /** Ends the bar (a full one, if training is done before its last epoch too), or writes the last line; what follows begins on a new line. */
  end(outcome: "done" | "stopped"): void {
    if (this.last === undefined) return;
    if (this.stream.isTTY) {
      this.draw(this.last, outcome === "done" ? 1 : this.last.epoch / this.epochs, `${outcome} in ${duration(this.seconds)}`);
      this.stream.write("\n");
    } else if (this.last !== this.lastShown) {
      this.line(this.last);
    }
    this.last = undefined;
  }

  private get seconds(): number {
    return (performance.now() - this.startedAt) / 1000;
  }

  private line(report: ProgressReport): void {
    this.lastShown = report;
    const { epoch, loss, validation, rate } = this.figures(report);
    this.stream.write(`${[epoch, loss, ...validation, rate].join(", ")}\n`);
  }

  private draw(report: ProgressReport, share: number, time: string): void {
    const text = this.fit(report, share, time, (this.stream.columns || USUAL_WIDTH) - 1);
    this.stream.write(`\r\x1b[2K${styled(this.stream, "cyan", text)}`);
  }

  /** What a line of that width holds: a narrow one has a shorter bar, then loses the rate, the bar, the validation loss and the epoch, in that order. */
  private fit(report: ProgressReport, share: number, time: string, width: number): string {
    const { epoch, loss, validation, rate } = this.figures(report);
    const [full, withoutRate, least] = [[epoch, loss, ...validation, time, rate], [epoch, loss, ...validation, time], [epoch, loss, time]].map((parts) => parts.join(", "));
    for (const text of [full, withoutRate]) {
      const barWidth = Math.min(BAR_WIDTH, width - text.length - 1);
      if (barWidth < SHORTEST_BAR) continue;
      const filled = Math.round(barWidth * share);
      return `${"█".repeat(filled)}${"░".repeat(barWidth - filled)} ${text}`;
    }
    return [withoutRate, least].find((text) => text.length <= width) ?? cut([loss, time].join(", "), Math.max(1, width));
  }

  private figures({ epoch, loss, validationLoss, samplesPerSecond }: ProgressReport) {
    return {
      epoch: `epoch ${epoch}/${this.epochs}`,
      loss: `loss ${figure(loss)}`,
      validation: validationLoss === undefined ? [] : [`validation ${figure(validationLoss)}`],
      rate: `${rate(samplesPerSecond)} samples/s`,
    };
  }
}
