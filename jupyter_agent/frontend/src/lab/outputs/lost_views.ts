/** Which views of tasks a cell has lost. */

import type { Snapshot } from "../../net/types.js";

/** Seconds by which a file may be newer than an output that is not in it: the page gets an output later than
 * the task was queued, and clocks differ a little. */
const SLACK = 2;

/** What is known of a cell: its id, the tasks it shows and the runs they are of, and when its notebook was saved
 * (Unix seconds). */
export interface CellNow {
  readonly id: string;
  readonly shown: ReadonlySet<string>;
  readonly runs: ReadonlySet<string | null>;
  readonly saved: number;
}

/** The tasks whose views are to be put back into a cell, in the order in which they were made.
 *
 * Only those of the cell's latest run that made any, because a run takes the outputs of the one before away. Only
 * those that this run showed. And only those that were queued after the notebook was saved: for all that was before,
 * the file is right; what is not in it was cleared, or was taken away by a run that made no task. */
export function lostViews(tasks: readonly Snapshot[], { id, shown, saved }: CellNow): Snapshot[] {
  const ours = tasks.filter((task) => task.cell === id).sort(inOrder);
  const newest = ours.at(-1);
  if (!newest) return [];
  const run = ours.filter((task) => task === newest || (task.run !== null && task.run === newest.run));
  const missing = run.filter((task) => task.view !== null && !shown.has(task.id));
  return missing.filter((task) => (task.queued ?? 0) > saved - SLACK);
}

/** Whether what a cell has is of a run before that of its lost views, which took it away. */
export function isStale([first]: readonly Snapshot[], { runs, saved }: CellNow): boolean {
  return first !== undefined && first.run !== null && !runs.has(first.run) && (first.queued ?? 0) > saved;
}

/** Ids begin with the time at which they were made. */
function inOrder(one: Snapshot, other: Snapshot): number {
  return one.id < other.id ? -1 : 1;
}
