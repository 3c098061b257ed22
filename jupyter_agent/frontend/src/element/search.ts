/** Text search in the lines of a log. */

import type { Lines } from "./line_layout.js";

export class Search {
  query = "";
  /** The numbers of the matching lines. */
  #matches: number[] = [];
  #current = 0;
  #scanned: [number, number] = [0, 0];

  get count(): number {
    return this.#matches.length;
  }

  /** The position of the current match, from 1; 0 without matches. */
  get position(): number {
    return this.#matches.length === 0 ? 0 : this.#current + 1;
  }

  /** The line number of the current match; null without matches. */
  get line(): number | null {
    return this.#matches[this.#current] ?? null;
  }

  /** Search for another text; the newest match becomes the current one. */
  setQuery(query: string, log: Lines): void {
    this.query = query;
    this.#matches = query ? this.#scan(log, log.first, log.end) : [];
    this.#current = Math.max(0, this.#matches.length - 1);
    this.#scanned = [log.first, log.end];
  }

  /** Search the lines that are new since the last call. The last line of then is one of them: it may have grown. */
  update(log: Lines): void {
    if (!this.query) return;
    const [first, end] = this.#scanned;
    const line = this.line;
    const kept = this.#matches.filter((number) => number >= log.first && number < end - 1);
    this.#matches = [
      ...this.#scan(log, log.first, Math.min(first, log.end)),
      ...kept,
      ...this.#scan(log, Math.max(log.first, end - 1), log.end),
    ];
    this.#current = Math.max(
      0,
      line === null ? this.#matches.length - 1 : this.#matches.findIndex((number) => number >= line),
    );
    this.#scanned = [log.first, log.end];
  }

  /** Move to another match, and from the last one to the first. */
  step(by: number): void {
    if (this.#matches.length > 0)
      this.#current = (this.#current + by + this.#matches.length) % this.#matches.length;
  }

  /** Return where the query occurs in a text: pairs of the first index and one past the last. */
  marksOf(text: string): [number, number][] {
    return this.query ? findMarks(text, this.query) : [];
  }

  #scan(log: Lines, from: number, to: number): number[] {
    const needle = this.query.toLowerCase();
    const found = [];
    for (let number = from; number < to; number += 1) {
      if (log.lines[number - log.first]!.text.toLowerCase().includes(needle)) found.push(number);
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
