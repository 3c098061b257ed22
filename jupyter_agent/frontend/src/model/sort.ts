/** The order in which tasks are listed. */

import type { Snapshot } from "../net/types.js";
import { END_STATES } from "./reducer.js";

/** Compare two tasks: those waiting for an answer, then running, queued and ended ones; of those that
 * ended the last to end first, of the others the newest. */
export function byImportance(one: Snapshot, other: Snapshot): number {
  return rank(one) - rank(other) || endTime(other) - endTime(one) || byAge(one, other);
}

/** Compare two tasks: the newest first. */
export function byAge(one: Snapshot, other: Snapshot): number {
  return one.id < other.id ? 1 : -1;
}

function endTime({ state, ended }: Snapshot): number {
  return END_STATES.has(state) ? (ended ?? 0) : 0;
}

function rank(task: Snapshot): number {
  if (END_STATES.has(task.state)) return 3;
  if (task.prompt) return 0;
  return task.state === "running" ? 1 : 2;
}
