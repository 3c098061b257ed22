/** Which tasks of a list are looked at. */

import type { Snapshot, State } from "../net/types.js";

/** A state, or all of them. */
export type Filter = State | "all";

/** In the order in which they are offered. */
export const STATES: readonly State[] = [
  "running",
  "queued",
  "completed",
  "failed",
  "cancelled",
  "interrupted",
];

/** The tasks in which every word of `query` occurs: in the name, a tag, the key, the notebook or the id. */
export function search(tasks: readonly Snapshot[], query: string): readonly Snapshot[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return tasks;
  return tasks.filter((task) => {
    const text = [task.name, ...task.tags, task.key, task.notebook, task.id].join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

export function inState(tasks: readonly Snapshot[], filter: Filter): readonly Snapshot[] {
  return filter === "all" ? tasks : tasks.filter((task) => task.state === filter);
}

/** How many tasks there are in each state. */
export function count(tasks: readonly Snapshot[]): Map<State, number> {
  const counts = new Map<State, number>();
  for (const { state } of tasks) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts;
}
