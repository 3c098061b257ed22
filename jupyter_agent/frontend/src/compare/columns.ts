/** The columns of the table of runs: what they show, and the order that they give. */

import {
  formatDuration,
  formatMoment,
  formatNumber,
  formatWholeDuration,
  toSingleLine,
} from "../model/format.js";
import { betterSide } from "../model/metrics/panels.js";
import { stateLabel } from "../element/sections.js";
import type { MetricPoint } from "../net/types.js";
import type { Run } from "./compare_store.js";
import { differingParams, paramOf } from "./labels.js";

/** What a row has in a column: `text` is shown, `value` sorts; null: nothing, which comes last. */
export interface Cell {
  readonly text: string;
  readonly value: number | string | null;
}

export interface Column {
  readonly key: string;
  readonly title: string;
  /** The metric whose values these are; null: none. */
  readonly metric: string | null;
  /** Which of its values are better; null: unknown. */
  readonly better: "low" | "high" | null;
  readonly isNumeric: boolean;
  cell(run: Run): Cell;
}

/** The order of the rows; null: that in which the runs were asked for. */
export type Order = { readonly key: string; readonly isDescending: boolean } | null;

export function columnsOf(runs: readonly Run[], now: number): Column[] {
  const params = differingParams(runs.map(({ task }) => task));
  return [
    column("state", "State", ({ task }) => textCell(stateLabel(task))),
    numeric("started", "Started", ({ task }) => ({ text: formatMoment(task.started), value: task.started })),
    numeric("duration", "Duration", (run) => durationCell(run, now)),
    ...params.map((name) => paramColumn(name, runs)),
    ...metricNames(runs).flatMap(metricColumns),
  ];
}

export function metricNames(runs: readonly Run[]): string[] {
  const names = runs.flatMap(({ task, metrics }) => [...Object.keys(task.metrics), ...metrics.series.keys()]);
  return [...new Set(names)];
}

function column(key: string, title: string, cell: Column["cell"]): Column {
  return { key, title, metric: null, better: null, isNumeric: false, cell };
}

function numeric(key: string, title: string, cell: Column["cell"]): Column {
  return { ...column(key, title, cell), isNumeric: true };
}

function paramColumn(name: string, runs: readonly Run[]): Column {
  const texts = runs.flatMap(({ task }) => paramOf(task, name) ?? []);
  const isNumeric = texts.every((text) => text.trim() !== "" && Number.isFinite(Number(text)));
  const cell = ({ task }: Run): Cell => {
    const text = paramOf(task, name);
    if (text === null) return { text: "", value: null };
    return { text: toSingleLine(text), value: isNumeric ? Number(text) : text };
  };
  return { ...column(`param ${name}`, toSingleLine(name), cell), isNumeric };
}

/** The last, the lowest and the highest value of a metric. */
function metricColumns(name: string): Column[] {
  const better = betterSide(name);
  const of = (word: string, value: (run: Run, point: MetricPoint | null) => number | null): Column => {
    const cell = (run: Run) => numberCell(value(run, pointOf(run, name)));
    const key = `${word} ${name}`;
    return { key, title: word, metric: name, better, isNumeric: true, cell };
  };
  const series = (run: Run) => run.metrics.series.get(name);
  return [
    of("last", (run, point) => (point ? point.value : (series(run)?.last?.y ?? null))),
    of("min", (run, point) => point?.min ?? series(run)?.lowest?.y ?? null),
    of("max", (run, point) => point?.max ?? series(run)?.highest?.y ?? null),
  ];
}

function pointOf({ task }: Run, name: string): MetricPoint | null {
  return Object.hasOwn(task.metrics, name) ? task.metrics[name]! : null;
}

function durationCell({ task: { started, ended } }: Run, now: number): Cell {
  const value = started === null ? null : Math.max(0, (ended ?? now) - started);
  return { text: ended === null ? formatWholeDuration(value) : formatDuration(value), value };
}

function numberCell(value: number | null): Cell {
  return { text: value === null ? "" : formatNumber(value), value };
}

function textCell(text: string): Cell {
  return { text, value: text };
}

/** Return the best value of a column among these runs; null where none is better. */
export function bestOf({ better, cell }: Column, runs: readonly Run[]): number | null {
  const values = runs.map((run) => cell(run).value).filter((value) => typeof value === "number");
  if (better === null || values.length < 2) return null;
  return better === "low" ? Math.min(...values) : Math.max(...values);
}

/** Return the runs in the order of a column; those without a value come last either way. */
export function sorted(runs: readonly Run[], columns: readonly Column[], order: Order): Run[] {
  const by = order && columns.find(({ key }) => key === order.key);
  if (!by) return [...runs];
  const sign = order.isDescending ? -1 : 1;
  return [...runs].sort((one, other) => {
    const [a, b] = [by.cell(one).value, by.cell(other).value];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    return sign * compared(a, b);
  });
}

function compared(a: number | string, b: number | string): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

/** Return the order after a press of a column's head: up, down, and as it was. */
export function nextOrder(order: Order, key: string): Order {
  if (order?.key !== key) return { key, isDescending: false };
  return order.isDescending ? null : { key, isDescending: true };
}
