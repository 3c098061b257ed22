/** The rows of the timeline: tasks by notebook, schedule, process or name, and in a row beside each other. */

import { notebookOf, nameOf } from "../list/labels.js";
import type { Snapshot } from "../net/types.js";
import { toSingleLine } from "../model/format.js";
import { type Attempt, extentOf, overlaps, type Part, partsOf, type Range } from "./spans.js";

export const GROUPINGS = ["notebook", "schedule", "process", "name"] as const;
export type Grouping = (typeof GROUPINGS)[number];

export interface Bar extends Range {
  readonly task: Snapshot;
  readonly parts: readonly Part[];
  /** The line of the row, from 0. */
  line: number;
}

export interface Row {
  readonly key: string;
  readonly label: string;
  readonly lines: number;
  /** In the order of their beginnings. */
  readonly bars: readonly Bar[];
}

/** Lines of a row; where there are more at a time, bars lie on each other. */
const MAX_LINES = 10;
const NONE: Record<Grouping, string> = {
  notebook: "No notebook",
  schedule: "Not scheduled",
  process: "Unknown process",
  name: "",
};

/** Return the rows with bars in `window`; those that began last come first. */
export function rowsOf(
  tasks: readonly Snapshot[],
  earlier: ReadonlyMap<string, readonly Attempt[]>,
  grouping: Grouping,
  window: Range,
  now: number,
): Row[] {
  const groups = new Map<string, Bar[]>();
  for (const task of tasks) {
    const parts = partsOf(task, earlier.get(task.id) ?? [], now);
    const extent = extentOf(parts);
    if (!extent || !overlaps(extent, window)) continue;
    const key = keyOf(task, grouping);
    const bars = groups.get(key) ?? [];
    if (bars.length === 0) groups.set(key, bars);
    bars.push({ task, parts, ...extent, line: 0 });
  }
  const rows = [...groups].map(([key, bars]) => row(key, bars, grouping));
  return rows.sort((one, other) => other.bars.at(-1)!.from - one.bars.at(-1)!.from);
}

function row(key: string, bars: Bar[], grouping: Grouping): Row {
  bars.sort((one, other) => one.from - other.from || (one.task.id < other.task.id ? -1 : 1));
  return { key, label: labelOf(bars[0]!.task, grouping), lines: place(bars), bars };
}

/** Return whether two rows are drawn alike. */
export function isSameRow(one: Row, other: Row): boolean {
  const isSame =
    one.label === other.label && one.lines === other.lines && one.bars.length === other.bars.length;
  return isSame && one.bars.every((bar, at) => isSameBar(bar, other.bars[at]!));
}

function isSameBar(one: Bar, other: Bar): boolean {
  const isPlaced = one.from === other.from && one.to === other.to && one.line === other.line;
  return isPlaced && one.task === other.task && one.parts.length === other.parts.length;
}

/** Put each bar on the first line that is free. Returns the number of lines. */
function place(bars: Bar[]): number {
  const ends: number[] = [];
  for (const bar of bars) {
    const free = ends.findIndex((end) => end <= bar.from);
    bar.line = free >= 0 ? free : ends.length < MAX_LINES ? ends.length : ends.indexOf(Math.min(...ends));
    ends[bar.line] = bar.to;
  }
  return ends.length;
}

function keyOf(task: Snapshot, grouping: Grouping): string {
  const { notebook, schedule, host, pid, producer, name } = task;
  const keys = { notebook, schedule, name, process: pid === null ? producer : `${host} ${pid}` };
  return keys[grouping] ?? "";
}

function labelOf(task: Snapshot, grouping: Grouping): string {
  const { schedule, host, pid } = task;
  const labels: Record<Grouping, string> = {
    notebook: notebookOf(task),
    schedule: schedule === null ? "" : nameOf(task),
    process: pid === null ? "" : toSingleLine([`process ${pid}`, host].filter(Boolean).join(" on ")),
    name: nameOf(task),
  };
  return labels[grouping] || NONE[grouping];
}
