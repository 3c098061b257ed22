/** The order in which tasks are listed. */

import type { Snapshot } from "../net/types.js";
import { ENDED } from "./reducer.js";

/** Those that ask something, then running and queued ones, then the ended; the newest first. For `sort`. */
export function byImportance(one: Snapshot, other: Snapshot): number {
  return rank(one) - rank(other) || (one.id < other.id ? 1 : -1);
}

function rank(task: Snapshot): number {
  if (ENDED.has(task.state)) return 3;
  if (task.prompt) return 0;
  return task.state === "running" ? 1 : 2;
}
