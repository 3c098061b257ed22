/** The metrics of a task as the server sums them up: curves of a bounded number of points. */

import { offsetOf } from "../../net/cursor.js";
import { type Metrics, type Point, Series } from "./series.js";

/** One curve, as columns. `steps`: null where no value has one; the last point is the newest value. */
export interface CurveAnswer {
  name: string;
  count: number;
  steps: (number | null)[] | null;
  /** Seconds since the first value of the attempt. */
  times: number[];
  values: number[];
}

/** `GET tasks/{id}/metrics`. */
export interface MetricsAnswer {
  attempt: number;
  /** Unix seconds of the first value; null without one. */
  start: number | null;
  cursor: string;
  metrics: CurveAnswer[];
}

/** Return the path of a task's curves with at most `points` points each. */
export function metricsPath(task: string, points: number): string {
  return `tasks/${encodeURIComponent(task)}/metrics?points=${points}`;
}

/** Replace what is in `metrics` by the answer; events that follow its cursor may be added then. */
export function restoreMetrics(metrics: Metrics, answer: MetricsAnswer): void {
  const series = answer.metrics.map((curve): [string, Series] => [curve.name, seriesOf(curve)]);
  metrics.restore(answer.attempt, answer.start, offsetOf(answer.cursor), series);
}

function seriesOf({ count, steps, times, values }: CurveAnswer): Series {
  const points = values.map((y, at): Point => ({ step: steps?.[at] ?? null, time: times[at]!, y }));
  return Series.of(points, count);
}
