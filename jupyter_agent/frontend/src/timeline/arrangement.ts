/** What the timeline shows of the tasks that are known: its rows, and the tasks of the chosen time. */

import type { Snapshot } from "../net/types.js";
import { type Grouping, type Row, rowsOf } from "./rows.js";
import { type Attempt, overlaps, type Range } from "./spans.js";

/** What the rows are made of. */
export interface Known {
  /** Tasks that were loaded. */
  readonly loaded: ReadonlyMap<string, Snapshot>;
  /** Newer ones of the list, which take the place of those. */
  readonly live: readonly Snapshot[];
  readonly earlier: ReadonlyMap<string, readonly Attempt[]>;
}

/** Makes rows again only when something that is in them has changed: a pointer that moves changes nothing. */
export class Arrangement {
  rows: readonly Row[] = [];
  /** The tasks of all rows. */
  shown: readonly Snapshot[] = [];
  #made: readonly unknown[] = [];
  /** The range for which `#chosen` was made, and from which rows. */
  #chosenOf: readonly unknown[] = [];
  #chosen: readonly Snapshot[] = [];

  /** Arrange what is known; `now` counts in whole seconds. */
  update({ loaded, live, earlier }: Known, grouping: Grouping, window: Range, now: number): void {
    const second = Math.floor(now);
    const from = [loaded, live, earlier, grouping, window.from, window.to, second];
    if (isSame(from, this.#made)) return;
    this.#made = from;
    const known = new Map(loaded);
    for (const task of live) known.set(task.id, task);
    this.rows = rowsOf([...known.values()], earlier, grouping, window, second);
    this.shown = this.rows.flatMap(({ bars }) => bars.map(({ task }) => task));
  }

  /** Return the tasks in a time, the newest first; `isOld`: those of the last call will do. */
  chosen(range: Range, isOld: boolean): readonly Snapshot[] {
    const of = [this.rows, range.from, range.to];
    if (isOld || isSame(of, this.#chosenOf)) return this.#chosen;
    const bars = this.rows.flatMap((row) => row.bars.filter((bar) => overlaps(bar, range)));
    this.#chosenOf = of;
    this.#chosen = bars.map(({ task }) => task).sort((one, other) => (one.id < other.id ? 1 : -1));
    return this.#chosen;
  }
}

function isSame(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((value, at) => value === other[at]);
}
