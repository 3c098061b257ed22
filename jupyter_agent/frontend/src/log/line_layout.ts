/** The layout of a log in a monospaced font: the row on which each line begins. */

import type { Line } from "../model/log/line.js";

/** The lines to lay out; `first` is the index of the first line, `end` one past that of the last. */
export interface Lines {
  readonly first: number;
  readonly end: number;
  readonly lines: readonly Line[];
}

const WIDE_CHARACTERS =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}]/gu;
const NARROW_TEXT = /^[\x20-\x7e]*$/;
const TAB_COLUMNS = 8;
/** Rows of a heading, which is pressed, under a finger; the style sheet has the same. */
export const TOUCH_ROWS = 3;

/** Return the columns that a text takes: two for East Asian wide characters and emoji, at most eight for a tab. */
export function columnsOf(text: string): number {
  if (NARROW_TEXT.test(text)) return text.length;
  const tabs = text.split("\t").length - 1;
  return Array.from(text).length + (text.match(WIDE_CHARACTERS)?.length ?? 0) + tabs * (TAB_COLUMNS - 1);
}

/** Return what stands before the text of a line: the name of its logger. */
export function loggerOf({ first, source }: Line): string {
  return first && source.logger && source.logger !== "root" ? source.logger : "";
}

/** Return the key of what a heading folds: the attempt, or a cell in it. */
export function foldKey({ kind, source }: Line): string {
  return kind === "attempt" ? String(source.attempt) : `${source.attempt} ${source.section ?? ""}`;
}

/** Return whether a line is folded away. */
export function isFolded({ kind, source }: Line, folded: ReadonlySet<string>): boolean {
  if (folded.size === 0 || kind === "attempt") return false;
  if (folded.has(String(source.attempt))) return true;
  return kind !== "section" && source.section !== null && folded.has(`${source.attempt} ${source.section}`);
}

export class LineLayout {
  /** `#tops[i]` is the row of line `#first + i`; the last entry is the end. Rows of lines put before are negative. */
  #tops: number[] = [0];
  #first = 0;
  /** The columns of the longest line. */
  widest = 0;

  /** `columns`: infinite for lines that are not wrapped; `headingRows`: the rows of a heading. */
  constructor(
    readonly columns: number,
    readonly folded: ReadonlySet<string> = new Set(),
    readonly headingRows = 1,
  ) {}

  /** The row of the first line. */
  get start(): number {
    return this.#tops[0]!;
  }

  /** One past the last row. */
  get end(): number {
    return this.#tops.at(-1)!;
  }

  /** Update the layout after a change of the log: lines were added or dropped at either end, the last one has grown. */
  sync(log: Lines): void {
    if (log.first < this.#first) this.#prepend(log);
    this.#dropBefore(log.first);
    this.#tops.length = Math.max(1, Math.min(this.#tops.length - 1, log.end - this.#first));
    for (let at = this.#tops.length - 1; at < log.lines.length; at += 1)
      this.#tops.push(this.end + this.#height(log.lines[at]!));
  }

  /** Return the row on which a line begins. */
  top(line: number): number {
    return this.#tops[Math.max(0, Math.min(this.#tops.length - 1, line - this.#first))]!;
  }

  /** Return the line in which a row lies; the first or last one for a row outside. */
  lineAt(row: number): number {
    let [low, high] = [0, Math.max(0, this.#tops.length - 2)];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#tops[middle]! <= row) low = middle;
      else high = middle - 1;
    }
    return this.#first + low;
  }

  #height(line: Line): number {
    if (isFolded(line, this.folded)) return 0;
    if (line.kind === "attempt" || line.kind === "section") return this.headingRows;
    const logger = loggerOf(line);
    const columns = columnsOf(line.text) + (logger ? columnsOf(logger) + 2 : 0);
    this.widest = Math.max(this.widest, columns);
    return Math.max(1, Math.ceil(columns / this.columns));
  }

  #prepend(log: Lines): void {
    const heights = log.lines.slice(0, this.#first - log.first).map((line) => this.#height(line));
    let top = this.start - heights.reduce((sum, height) => sum + height, 0);
    const tops = heights.map((height) => (top += height) - height);
    this.#tops = tops.concat(this.#tops);
    this.#first = log.first;
  }

  #dropBefore(first: number): void {
    const dropped = first - this.#first;
    if (dropped <= 0) return;
    this.#tops = dropped < this.#tops.length ? this.#tops.slice(dropped) : [this.end];
    this.#first = first;
  }
}
