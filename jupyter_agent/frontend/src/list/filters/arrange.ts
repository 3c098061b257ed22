/** The order of a list and its groups. */

import { END_STATES } from "../../model/reducer.js";
import { byImportance } from "../../model/sort.js";
import type { Snapshot } from "../../net/types.js";
import { isWaitingForAnswer, nameOf, notebookOf } from "../labels.js";
import { STATES } from "./query.js";

export const SORTS = ["", "queued", "ended", "name", "duration", "state"] as const;
export type Sort = (typeof SORTS)[number];
export const GROUPINGS = ["", "name", "tag", "notebook"] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** What a list shows, and how. `sort`: empty for what is active first; `reversed`: the other way round. */
export interface ListView {
  readonly query: string;
  readonly sort: Sort;
  readonly reversed: boolean;
  readonly group: Grouping;
}

export const PLAIN_VIEW: ListView = { query: "", sort: "", reversed: false, group: "" };

export interface Group {
  readonly title: string;
  readonly tasks: readonly Snapshot[];
}

/** The values by which to sort, the greatest first. */
const VALUES: Record<Exclude<Sort, "" | "name">, (task: Snapshot, now: number) => number> = {
  queued: ({ queued, created }) => queued ?? created ?? 0,
  ended: ({ state, ended }) => (END_STATES.has(state) ? (ended ?? 0) : Infinity),
  duration: ({ started, ended }, now) => (started === null ? -1 : (ended ?? now) - started),
  state: (task) => (isWaitingForAnswer(task) ? 1 : -STATES.indexOf(task.state)),
};

const NAMES = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** Return the tasks in the order of a view. `listed`: in that of the list, which only a chosen order changes. */
export function sortTasks(
  listed: readonly Snapshot[],
  { sort, reversed }: Pick<ListView, "sort" | "reversed">,
  now: number,
): readonly Snapshot[] {
  if (!sort) return reversed ? [...listed].reverse() : listed;
  const sorted = [...listed].sort((one, other) => compare(sort, one, other, now) || byImportance(one, other));
  return reversed ? sorted.reverse() : sorted;
}

function compare(sort: Exclude<Sort, "">, one: Snapshot, other: Snapshot, now: number): number {
  if (sort === "name") return NAMES.compare(nameOf(one), nameOf(other));
  const [first, second] = [VALUES[sort](one, now), VALUES[sort](other, now)];
  return first === second ? 0 : second - first;
}

const TITLES: Record<Exclude<Grouping, "">, (task: Snapshot) => string> = {
  name: nameOf,
  tag: ({ tags }) => [...tags].sort().join(", ") || "no tag",
  notebook: (task) => notebookOf(task) || "no notebook",
};

/** Return the groups, in the order of their first tasks. Tasks with several tags are a group of those tags. */
export function groupTasks(tasks: readonly Snapshot[], by: Exclude<Grouping, "">): Group[] {
  const groups = new Map<string, Snapshot[]>();
  for (const task of tasks) {
    const title = TITLES[by](task);
    const known = groups.get(title);
    if (known) known.push(task);
    else groups.set(title, [task]);
  }
  return [...groups].map(([title, of]) => ({ title, tasks: of }));
}
