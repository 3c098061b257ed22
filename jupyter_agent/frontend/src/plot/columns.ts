/** The table that a plot draws: one column of places, and one of values for each series. */

import uPlot from "uplot";
import { smoothed } from "../model/metrics/smoothing.js";

/** `smoothing`: the weight of the past, below 1; 0 draws the values as they are. `faint`: it lies behind another. */
export interface Curve {
  readonly name: string;
  readonly color: string;
  /** Which of `DASHES`. */
  readonly dash: number;
  readonly faint: boolean;
  readonly smoothing: number;
  /** Places in ascending order, none twice, and the values there. */
  readonly xs: readonly number[];
  readonly ys: readonly number[];
}

export function aligned(curves: readonly Curve[], log: boolean): uPlot.AlignedData {
  const tables = curves.map(({ xs, ys, smoothing }): uPlot.AlignedData => {
    const shown = ys.map((y) => (Number.isFinite(y) && (!log || y > 0) ? y : null));
    return [[...xs], smoothing > 0 ? smoothed(shown, smoothing) : shown];
  });
  return tables.length === 1 ? tables[0]! : uPlot.join(tables);
}
