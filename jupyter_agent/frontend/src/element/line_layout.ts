/** Where each line of a log stands when all characters are equally wide: lines have whole numbers of rows. */

import type { Line } from "../model/log.js";

/** What there is to lay out; `first` is the number of the first line. */
export interface Lines {
  readonly first: number;
  readonly end: number;
  readonly lines: readonly Line[];
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}]/gu;
const NARROW = /^[\x20-\x7e]*$/;
const TAB = 8;

/** How many columns a text takes: two for the wide characters of East Asia and emoji, up to eight for a tab. */
export function width(text: string): number {
  if (NARROW.test(text)) return text.length;
  const tabs = text.split("\t").length - 1;
  return [...text].length + (text.match(WIDE)?.length ?? 0) + tabs * (TAB - 1);
}

export class Rows {
  /** `#tops[i]` is the row of line `#first + i`; one more for the end. Rows of earlier lines are negative. */
  #tops: number[] = [0];
  #first = 0;

  constructor(readonly columns: number) {}

  /** The rows of the first line and of the end. */
  get start(): number {
    return this.#tops[0]!;
  }

  get end(): number {
    return this.#tops.at(-1)!;
  }

  /** Take over what changed: lines at either end, and the last one, which may have grown. */
  sync(log: Lines): void {
    if (log.first < this.#first) this.#prepend(log);
    this.#dropBefore(log.first);
    this.#tops.length = Math.max(1, Math.min(this.#tops.length - 1, log.end - this.#first));
    for (let at = this.#tops.length - 1; at < log.lines.length; at += 1)
      this.#tops.push(this.end + this.#height(log.lines[at]!));
  }

  /** The row on which a line begins. */
  top(line: number): number {
    return this.#tops[Math.max(0, Math.min(this.#tops.length - 1, line - this.#first))]!;
  }

  /** The line in which a row lies; the first or last one for a row outside. */
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
    return Math.max(1, Math.ceil(width(line.text) / this.columns));
  }

  #prepend(log: Lines): void {
    const heights = log.lines.slice(0, this.#first - log.first).map((line) => this.#height(line));
    let top = this.start - heights.reduce((sum, height) => sum + height, 0);
    const tops = heights.map((height) => (top += height) - height);
    this.#tops = tops.concat(this.#tops);
    this.#first = log.first;
  }

  #dropBefore(first: number): void {
    const gone = first - this.#first;
    if (gone <= 0) return;
    this.#tops = gone < this.#tops.length ? this.#tops.slice(gone) : [this.end];
    this.#first = first;
  }
}
