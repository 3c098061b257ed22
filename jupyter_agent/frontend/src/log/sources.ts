/** The lines that a view shows: the newest ones, those of a level and above, or those around a place. */

import type { Level } from "../model/log/levels.js";
import type { Line } from "../model/log/line.js";
import { NewestLines, type Source } from "../model/log/source.js";
import type { TaskStore } from "../model/task_store.js";
import { saveAsFile } from "../dom/clipboard.js";
import { EarlierSearch, type Match } from "./pages/earlier_search.js";
import { PagedLog } from "./pages/paged_log.js";
import { fileName, wholeText } from "./pages/whole_log.js";

export class Sources {
  #newest: Source | null = null;
  #ofLevel: Source | null = null;
  #around: Source | null = null;

  /** Start over with the newest lines of a store. */
  reset(store: TaskStore | null): void {
    for (const source of [this.#ofLevel, this.#around]) source?.close();
    this.#newest = store && new NewestLines(store);
    this.#ofLevel = this.#around = null;
  }

  /** The lines that are searched: all, or those of a level. */
  get base(): Source | null {
    return this.#ofLevel ?? this.#newest;
  }

  get shown(): Source | null {
    return this.#around ?? this.base;
  }

  /** The lines around a place, until the reader follows again; null: none are open. */
  get around(): Source | null {
    return this.#around;
  }

  /** Open the lines around a place; null: leave it. Returns whether others are shown now. */
  goTo(around: Source | null): boolean {
    if (around === this.#around) return false;
    this.#around?.close();
    this.#around = around;
    return true;
  }

  /** Let the lines of a level not go on: nothing shows them. Idempotent. */
  closeLevel(): void {
    this.#ofLevel?.close();
  }

  /** Show the lines of a level; null: all. */
  setLevel(ofLevel: Source | null): void {
    this.goTo(null);
    this.#ofLevel?.close();
    this.#ofLevel = ofLevel;
  }
}

/** Open the newest lines of a level and above; null for all lines. */
export async function openLevel(
  store: TaskStore,
  level: Level | null,
  changed: () => void,
): Promise<Source | null> {
  if (level === null) return null;
  return PagedLog.ofLevel(store, level, changed);
}

/** Open the lines around a match; the ones that are open are returned if it is there. */
export async function openMatch(store: TaskStore, match: Match, open: Source | null): Promise<Source> {
  if (open && open.log.indexOf(isLineOf(match)) !== null) return open;
  return PagedLog.around(store, match.offset);
}

export function openLine(store: TaskStore, line: number): Promise<Source> {
  return PagedLog.atLine(store, line);
}

/** Prepare a search in the lines before the loaded ones. */
export function searchBefore(
  store: TaskStore,
  base: Source,
  query: string,
  level: Level | null,
): EarlierSearch {
  const { oldest } = base.log;
  const before = oldest === null ? store.cursor : store.cursorAt(oldest - 1);
  return new EarlierSearch(store, query, { before, level });
}

export async function saveWhole(store: TaskStore): Promise<void> {
  saveAsFile(fileName(store.task?.name ?? ""), await wholeText(store));
}

/** Return a function that recognizes the line of a match. */
export function isLineOf({ offset, number, text }: Match): (line: Line) => boolean {
  return (line) =>
    number === null ? line.source.offset === offset && line.text === text : line.number === number;
}
