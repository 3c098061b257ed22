/** Sparklines: a series in the space of a word. */

import { wantsLogarithm } from "./panels.js";
import type { Point, Series } from "./series.js";

/** The size of a sparkline, and the room around its line, in pixels. */
export const [SPARK_WIDTH, SPARK_HEIGHT] = [64, 16];
const MARGIN = 1.5;

/** Return the points of an SVG polyline: in the order of the events, the lowest and the highest of each few. */
export function sparkline(series: Series): string {
  const log = wantsLogarithm([series]);
  const height = ({ y }: Point) => (log ? Math.log10(y) : y);
  const points = thinned(series.drawn, SPARK_WIDTH);
  const heights = points.map(height);
  const [low, high] = [Math.min(...heights), Math.max(...heights)];
  const x = (at: number) => MARGIN + (at / Math.max(1, points.length - 1)) * (SPARK_WIDTH - 2 * MARGIN);
  const y = (value: number) => {
    const share = high > low ? (value / 2 - low / 2) / (high / 2 - low / 2) : 0.5;
    return SPARK_HEIGHT - MARGIN - share * (SPARK_HEIGHT - 2 * MARGIN);
  };
  return heights.map((value, at) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
}

/** Return at most two points of each of `parts` parts. */
function thinned(points: readonly Point[], parts: number): readonly Point[] {
  if (points.length <= 2 * parts) return points;
  const size = Math.ceil(points.length / parts);
  const kept: Point[] = [];
  for (let from = 0; from < points.length; from += size) {
    const part = points.slice(from, from + size);
    const low = part.reduce((best, point) => (point.y < best.y ? point : best));
    const high = part.reduce((best, point) => (point.y > best.y ? point : best));
    kept.push(...part.filter((point) => point === low || point === high));
  }
  return kept;
}
