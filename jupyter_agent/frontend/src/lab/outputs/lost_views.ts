/** Lost views: the tasks that a cell should show and does not. */

import type { Snapshot } from "../../net/types.js";

/** Seconds by which a file may be newer than a task whose output it lacks: the page receives an output after the task
 * was queued, and clocks differ a little. */
const CLOCK_TOLERANCE = 2;

/** A cell: its id, the tasks it shows, their runs, and when its notebook was saved (Unix seconds). */
export interface CellState {
  readonly id: string;
  readonly shown: ReadonlySet<string>;
  readonly runs: ReadonlySet<string | null>;
  readonly saved: number;
}

/** Return the tasks whose views are to be restored in a cell, in the order of their creation. These are the tasks
 *
 * - of the cell's latest run that made any, because a run removes the outputs of the previous one;
 * - that this run showed;
 * - that were queued after the notebook was saved. For earlier ones the file is right: what it lacks was cleared, or
 *   removed by a run that made no task. */
export function lostViews(tasks: readonly Snapshot[], { id, shown, saved }: CellState): Snapshot[] {
  const ours = tasks.filter((task) => task.cell === id).sort(byCreation);
  const newest = ours.at(-1);
  if (!newest) return [];
  const run = ours.filter((task) => task === newest || (task.run !== null && task.run === newest.run));
  const missing = run.filter((task) => task.view !== null && !shown.has(task.id));
  return missing.filter((task) => (task.queued ?? 0) > saved - CLOCK_TOLERANCE);
}

/** Return whether the outputs of a cell are of a run before that of its lost views, which replaced them. */
export function isStale([first]: readonly Snapshot[], { runs, saved }: CellState): boolean {
  if (first?.run == null) return false;
  return !runs.has(first.run) && (first.queued ?? 0) > saved;
}

/** Compare by id: ids begin with the time of their creation. */
function byCreation(one: Snapshot, other: Snapshot): number {
  return one.id < other.id ? -1 : 1;
}
