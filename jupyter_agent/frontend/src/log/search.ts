/** Text search in the lines that are loaded. */

import type { Lines } from "./line_layout.js";

export class Search {
  query = "";
  /** The indices of the matching lines. */
  lines: readonly number[] = [];
  #scanned: [number, number] = [0, 0];

  /** Search for another text. */
  setQuery(query: string, log: Lines): void {
    this.query = query;
    this.lines = query ? this.#scan(log, log.first, log.end) : [];
    this.#scanned = [log.first, log.end];
  }

  /** Search the lines that are new since the last call. The last line of then is one of them: it may have grown. */
  update(log: Lines): void {
    if (!this.query) return;
    const [first, end] = this.#scanned;
    const kept = this.lines.filter((index) => index >= log.first && index < end - 1);
    this.lines = [
      ...this.#scan(log, log.first, Math.min(first, log.end)),
      ...kept,
      ...this.#scan(log, Math.max(log.first, end - 1), log.end),
    ];
    this.#scanned = [log.first, log.end];
  }

  /** Return the position of the first match at or behind a line, from 0; that of the last one when there is none. */
  positionOf(line: number): number {
    const at = this.lines.findIndex((index) => index >= line);
    return at < 0 ? this.lines.length - 1 : at;
  }

  /** Return where the query occurs in a text: pairs of the first index and one past the last. */
  marksOf(text: string): [number, number][] {
    return this.query ? findMarks(text, this.query) : [];
  }

  #scan(log: Lines, from: number, to: number): number[] {
    const needle = this.query.toLowerCase();
    const found = [];
    for (let index = from; index < to; index += 1) {
      const { kind, text } = log.lines[index - log.first]!;
      if (kind !== "attempt" && kind !== "section" && text.toLowerCase().includes(needle)) found.push(index);
    }
    return found;
  }
}

function findMarks(text: string, query: string): [number, number][] {
  const [haystack, needle] = [text.toLowerCase(), query.toLowerCase()];
  const found: [number, number][] = [];
  if (haystack.length !== text.length) return found; // some lower-case forms are longer: indices would be wrong
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + needle.length))
    found.push([at, at + needle.length]);
  return found;
}
