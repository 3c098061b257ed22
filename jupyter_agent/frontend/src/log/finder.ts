/** Search in a whole log: in the lines that are loaded here, in those before them by the server. */

import type { EarlierSearch, Match } from "./pages/earlier_search.js";
import { formatNumber, formatPercent } from "../model/format.js";
import type { Level } from "../model/log/levels.js";
import type { Source } from "../model/log/source.js";
import type { TaskStore } from "../model/task_store.js";
import { Search } from "./search.js";
import type { Lines } from "./line_layout.js";

/** Where the current match is: in a loaded line, by its index, or before them. */
export type Place = { readonly line: number } | { readonly match: Match };

/** What is known of the whole log: its lines (null: unknown) and its log events. */
export interface Extent {
  readonly lines: number | null;
  readonly events: number;
  /** The offset of the oldest loaded event. */
  readonly oldest: number | null;
  /** Number of loaded log events. */
  readonly loaded: number;
}

/** `level`: the one whose lines are in `base`; null: all are. */
export function extentOf({ task, log }: TaskStore, base: Source, level: Level | null): Extent {
  const lines = level === null ? (task?.log?.lines ?? null) : null;
  return { lines, events: task?.logs ?? 0, oldest: base.log.oldest, loaded: log.events };
}

export class Finder {
  /** The matches in the loaded lines. */
  readonly loaded = new Search();
  #earlier: EarlierSearch | null = null;
  /** The current match, counted from the newest one; it stays the same when older ones are found. */
  #current: Place | null = null;

  get query(): string {
    return this.loaded.query;
  }

  /** Search for another text in the loaded lines; the newest match becomes the current one. */
  setQuery(query: string, log: Lines): void {
    this.searchEarlier(null);
    this.loaded.setQuery(query, log);
    this.#current = this.#at(this.#count - 1);
  }

  /** Go on with a search in the lines before; null: there are none. */
  searchEarlier(search: EarlierSearch | null): void {
    this.#earlier?.stop();
    this.#earlier = search;
  }

  /** Whether the lines before the loaded ones are being searched, or were. */
  get isEarlierSearched(): boolean {
    return this.#earlier !== null;
  }

  /** Search the lines that are new. */
  update(log: Lines): void {
    this.loaded.update(log);
  }

  /** The current match; null without any. */
  get place(): Place | null {
    this.#current ??= this.#at(this.#count - 1);
    return this.#current;
  }

  /** Move to a newer match (1) or an older one (-1), and from the last one to the first. */
  step(by: number): void {
    const count = this.#count;
    if (count > 0) this.#current = this.#at((this.#position + by + count) % count);
  }

  /** Say which match it is, of how many, and how far the search has looked. */
  status({ lines, events, oldest, loaded }: Extent): string {
    if (!this.query) return "";
    this.#dropLoaded(oldest);
    const count = this.#count;
    const found = count === 0 ? "none" : `${formatNumber(this.#position + 1)} of ${formatNumber(count)}`;
    const search = this.#earlier;
    if (search?.error) return `${found}; ${search.error}`;
    if (search && !search.isDone) {
      const part = events > 0 ? Math.min(1, (loaded + search.looked) / events) : 0;
      return `${count === 0 ? "none" : formatNumber(count)} so far, searched ${formatPercent(part)}…`;
    }
    if (search?.isCut) return `${found}, and older ones`;
    if (lines === null) return found;
    if (!search && loaded < events) return `${found} in the lines that are loaded`;
    return `${found} in ${formatNumber(lines)} ${lines === 1 ? "line" : "lines"}`;
  }

  get #count(): number {
    return this.#before.length + this.loaded.lines.length;
  }

  /** The matches before the loaded lines, newest first. */
  get #before(): readonly Match[] {
    return this.#earlier?.matches ?? [];
  }

  /** The position of the current match, the oldest one having 0. */
  get #position(): number {
    const place = this.place;
    if (place === null) return -1;
    if ("line" in place) return this.#before.length + this.loaded.positionOf(place.line);
    return this.#before.length - 1 - Math.max(0, this.#before.indexOf(place.match));
  }

  #at(position: number): Place | null {
    if (position < 0) return null;
    const before = this.#before;
    if (position < before.length) return { match: before[before.length - 1 - position]! };
    const line = this.loaded.lines[position - before.length];
    return line === undefined ? null : { line };
  }

  /** Forget the earlier matches whose lines have been loaded since: they are among the others now. */
  #dropLoaded(oldest: number | null): void {
    const matches = this.#earlier?.matches;
    if (!matches || oldest === null) return;
    const count = matches.findIndex((match) => match.offset < oldest);
    matches.splice(0, count < 0 ? matches.length : count);
  }
}
