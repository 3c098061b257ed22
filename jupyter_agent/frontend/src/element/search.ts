/** Finding text in the lines of a log. */

import type { Lines } from "./line_layout.js";

export class Search {
  query = "";
  /** The numbers of the lines that match. */
  #found: number[] = [];
  #at = 0;
  #seen: [number, number] = [0, 0];

  get count(): number {
    return this.#found.length;
  }

  /** Which match is the present one, from 1. */
  get position(): number {
    return this.#found.length === 0 ? 0 : this.#at + 1;
  }

  /** The number of the present line; null without one. */
  get line(): number | null {
    return this.#found[this.#at] ?? null;
  }

  /** Look for something else; the newest match is the present one. */
  look(query: string, log: Lines): void {
    this.query = query;
    this.#found = query ? this.#scan(log, log.first, log.end) : [];
    this.#at = Math.max(0, this.#found.length - 1);
    this.#seen = [log.first, log.end];
  }

  /** The log has changed: look through what is new. */
  update(log: Lines): void {
    if (!this.query) return;
    const [first, end] = this.#seen;
    const line = this.line;
    const kept = this.#found.filter((number) => number >= log.first && number < end - 1);
    this.#found = [
      ...this.#scan(log, log.first, Math.min(first, log.end)),
      ...kept,
      ...this.#scan(log, Math.max(log.first, end - 1), log.end),
    ];
    this.#at = Math.max(
      0,
      line === null ? this.#found.length - 1 : this.#found.findIndex((number) => number >= line),
    );
    this.#seen = [log.first, log.end];
  }

  step(by: number): void {
    if (this.#found.length > 0) this.#at = (this.#at + by + this.#found.length) % this.#found.length;
  }

  /** Where the query stands in a text: pairs of first character and one past the last. */
  marksOf(text: string): [number, number][] {
    return this.query ? marks(text, this.query) : [];
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

function marks(text: string, query: string): [number, number][] {
  const [hay, needle] = [text.toLowerCase(), query.toLowerCase()];
  const found: [number, number][] = [];
  if (hay.length !== text.length) return found; // letters whose small form is longer: places would be wrong
  for (let at = hay.indexOf(needle); at >= 0; at = hay.indexOf(needle, at + needle.length))
    found.push([at, at + needle.length]);
  return found;
}
