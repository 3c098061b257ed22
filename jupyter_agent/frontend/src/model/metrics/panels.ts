/** Panels of metrics: which metrics share a plot, what its title says, and which of its points belong together.
 *
 * `jupyter_agent.rendering.panels` groups and judges names in the same way; both are tested with the cases in
 * `tests/fold/panels.json`. */

import type { Snapshot } from "../../net/types.js";
import { formatDuration, formatNumber, printable } from "../format.js";
import { MAX_SERIES, type Metrics, type Point, type Series } from "./series.js";

/** What a plot's horizontal axis shows: the step, or the seconds since the first value. */
export type XKind = "step" | "time";

/** Metrics with the same last part of their names. */
export interface Panel {
  /** The last part. */
  readonly key: string;
  readonly title: string;
  readonly names: readonly string[];
}

/** Values that are better when they are low, or high, by words of their names. */
const LOW =
  /(^|[^a-z])(loss|losses|err|error|errors|mae|mse|rmse|mape|msle|nll|wer|cer|fid|ppl|perplexity|logloss|bce)([^a-z]|$)/;
const HIGH =
  /(^|[^a-z])(acc|accuracy|auc|auroc|auprc|ap|map|f1|precision|recall|score|iou|miou|dice|bleu|rouge|psnr|ssim|reward|return|r2)([^a-z]|$)/;
/** A positive series is drawn logarithmically once its highest value is this many times its lowest. */
const LOG_RATIO = 1000;
/** Steps of two series are of one kind when their last ones differ by no more than this factor. */
const SAME_STEPS_RATIO = 2;

/** Return the names that have a plot: those with a step, or with two values or more. */
export function plottedNames(known: Snapshot["metrics"], metrics: Metrics | null): string[] {
  const series = metrics?.series ?? new Map<string, Series>();
  const names = new Set([...Object.keys(known), ...series.keys()]);
  return [...names].filter((name) => {
    const one = series.get(name);
    if (!one && series.size >= MAX_SERIES) return false;
    return (one?.count ?? 0) > 1 || (one?.last?.step ?? known[name]?.step ?? null) !== null;
  });
}

/** Group names by their last part, in the order in which the parts first appear. */
export function panelsOf(names: readonly string[]): Panel[] {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const key = lastPart(name);
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  return [...groups].map(([key, names]) => ({
    key,
    names,
    title: printable(names.length === 1 ? names[0]! : key),
  }));
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1) || name;
}

/** Return what distinguishes a metric from the others in its panel: all but the last part. */
export function firstParts(name: string): string {
  const part = lastPart(name);
  return part === name ? "" : name.slice(0, -part.length - 1);
}

/** Return the place of each metric among those that share a panel: the same for all with the same first parts, such as
 * `train`, in all panels; 0 for a metric alone. */
export function metricPlaces(panels: readonly Panel[]): (name: string) => number {
  const grouped = panels.flatMap(({ names }) => (names.length > 1 ? names : []));
  const parts = [...new Set(grouped.map(firstParts))];
  const places = new Map(grouped.map((name) => [name, parts.indexOf(firstParts(name))]));
  return (name) => places.get(name) ?? 0;
}

/** Return which values of a metric are better; null: its name does not tell. */
export function betterSide(name: string): "low" | "high" | null {
  const words = name.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  if (LOW.test(words)) return "low";
  return HIGH.test(words) ? "high" : null;
}

/** Return whether series are drawn on a logarithmic axis unless the reader says otherwise. */
export function wantsLogarithm(all: readonly Series[]): boolean {
  const values = all.flatMap((one) => (one.lowest && one.highest ? [one.lowest.y, one.highest.y] : []));
  const low = Math.min(...values);
  return values.length > 0 && low > 0 && Math.max(...values) >= low * LOG_RATIO;
}

/** Return what a panel's axis shows when the reader wants `wanted`. */
export function xKindOf(all: readonly Series[], wanted: XKind): XKind {
  return wanted === "step" && all.every((one) => one.hasSteps) ? "step" : "time";
}

/** Return a point's place on the axis. */
export function xOf(point: Point, kind: XKind): number {
  return kind === "step" ? (point.step ?? point.time) : point.time;
}

/** Return the points in the order of the axis; of points at the same place, the newest. */
export function ordered(series: Series, kind: XKind): readonly Point[] {
  const points = series.drawn;
  const isOrdered = points.every((point, at) => at === 0 || xOf(points[at - 1]!, kind) < xOf(point, kind));
  if (isOrdered) return points;
  return [...new Map(points.map((point) => [xOf(point, kind), point])).values()].sort(
    (one, other) => xOf(one, kind) - xOf(other, kind),
  );
}

/** Return the point nearest to `x` in points ordered by `kind`; null without points. */
export function nearest(points: readonly Point[], x: number, kind: XKind): Point | null {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xOf(points[middle]!, kind) < x) low = middle + 1;
    else high = middle;
  }
  const [before, after] = [points[low - 1], points[low]];
  if (!before || !after) return before ?? after ?? null;
  return x - xOf(before, kind) <= xOf(after, kind) - x ? before : after;
}

/** Return the point of `series` that belongs to `point` of `other`: that of the same step where both count the same
 * things, otherwise the one logged at about the same time. Epoch 3 does not belong to batch 3. */
export function counterpart(series: Series, point: Point, other: Series): Point | null {
  const kind: XKind = point.step !== null && countTheSame(series, other) ? "step" : "time";
  return nearest(ordered(series, kind), xOf(point, kind), kind);
}

function countTheSame(one: Series, other: Series): boolean {
  if (!one.hasSteps || !other.hasSteps) return false;
  const [a, b] = [Math.abs(one.last?.step ?? 0), Math.abs(other.last?.step ?? 0)];
  return Math.max(a, b) <= Math.max(Math.min(a, b) * SAME_STEPS_RATIO, Math.min(a, b) + 1);
}

/** Return what a panel says of a series beside its last value. */
export function bestText(name: string, { lowest, highest, count }: Series): string {
  if (!lowest || !highest || count < 2) return "";
  const side = betterSide(name);
  if (side === null) return `${formatNumber(lowest.y)} to ${formatNumber(highest.y)}`;
  const best = side === "low" ? lowest : highest;
  return `best ${formatNumber(best.y)} ${placeText(best)}`;
}

/** Return where a point is. */
export function placeText({ step, time }: Point): string {
  if (step !== null) return `at ${formatNumber(step)}`;
  return `after ${formatDuration(time)}`;
}
