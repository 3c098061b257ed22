/** Search and state filter of a task list. */

import { formatParams } from "../model/format.js";
import type { Snapshot, State } from "../net/types.js";

/** One state, or all of them. */
export type StateFilter = State | "all";

/** In the order of the filter's buttons. */
export const STATES: readonly State[] = [
  "running",
  "queued",
  "completed",
  "failed",
  "cancelled",
  "interrupted",
];

/** Return the tasks that contain every word of `query` in name, parameters, tags, key, notebook or id. */
export function searchTasks(tasks: readonly Snapshot[], query: string): readonly Snapshot[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return tasks;
  return tasks.filter((task) => {
    const parts = [task.name, formatParams(task.params), ...task.tags, task.key, task.notebook, task.id];
    const text = parts.join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

export function filterByState(tasks: readonly Snapshot[], filter: StateFilter): readonly Snapshot[] {
  return filter === "all" ? tasks : tasks.filter((task) => task.state === filter);
}

/** Return the number of tasks in each state. */
export function countByState(tasks: readonly Snapshot[]): Map<State, number> {
  const counts = new Map<State, number>();
  for (const { state } of tasks) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts;
}
