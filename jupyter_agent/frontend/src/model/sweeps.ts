/** Sweeps: tasks that belong together, as runs of the same function with other parameters do. */

import { nameOf, toSingleLine } from "./format.js";
import type { Snapshot } from "../net/types.js";

/** Maximum number of tasks beside each other: the newest ones. */
export const MAX_COMPARED = 20;

export interface Sweep {
  /** "Compare the 12 runs of fit". */
  readonly label: string;
  /** Oldest first. */
  readonly ids: readonly string[];
}

/** Return the sweeps among `tasks` that a task belongs to: those with its name, and those with a tag of it that are
 * not the same tasks. `isAll`: whether there are no older tasks than these. */
export function sweepsOf(task: Snapshot, tasks: readonly Snapshot[], isAll = true): Sweep[] {
  const groups: [string, Snapshot[]][] = [
    [`of ${nameOf(task)}`, tasks.filter(({ name }) => name === task.name)],
    ...task.tags.map((tag): [string, Snapshot[]] => [
      `tagged ${toSingleLine(tag)}`,
      tasks.filter(({ tags }) => tags.includes(tag)),
    ]),
  ];
  const known = new Set<string>();
  return groups.flatMap(([words, found]) => {
    const sweep = found.some((one) => one.id === task.id && isComparable(one))
      ? sweepOf(words, found, isAll)
      : null;
    if (!sweep || known.has(sweep.ids.join())) return [];
    known.add(sweep.ids.join());
    return [sweep];
  });
}

/** Return the sweep of those tasks that have something to compare; null for fewer than two. `words`: "of fit". */
export function sweepOf(words: string, tasks: readonly Snapshot[], isAll = true): Sweep | null {
  const all = tasks
    .filter(isComparable)
    .map(({ id }) => id)
    .sort();
  if (all.length < 2) return null;
  const ids = all.slice(-MAX_COMPARED);
  const isWhole = isAll && ids.length === all.length;
  const which = isWhole ? ids.length : `newest ${ids.length}${isAll ? ` of ${all.length}` : ""}`;
  return { label: `Compare the ${which} runs ${words}`, ids };
}

/** Tasks without parameters and metrics have nothing to compare. */
export function isComparable({
  params = {},
  metrics,
}: {
  params?: Snapshot["params"];
  metrics: Snapshot["metrics"];
}): boolean {
  return Object.keys(params).length > 0 || Object.keys(metrics).length > 0;
}
