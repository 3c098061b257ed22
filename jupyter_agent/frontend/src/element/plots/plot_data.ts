/** What a panel's plot draws, and which points the cursor stands for. */

import type { Curve } from "../../plot/index.js";
import { seriesStyle, type SeriesStyle } from "../../dom/series_colors.js";
import { counterpart, metricPlaces, nearest, ordered, xKindOf, xOf } from "../../model/metrics/panels.js";
import type { Panel, XKind } from "../../model/metrics/panels.js";
import type { Point, Series, SeriesSet } from "../../model/metrics/series.js";

/** Where the pointer is: near a point of a series, in the panel `key`. */
export interface Cursor {
  readonly key: string;
  readonly x: number;
  readonly series: Series;
  readonly point: Point;
}

export function seriesIn(panel: Panel, metrics: SeriesSet | null): Series[] {
  return panel.names.flatMap((name) => metrics?.series.get(name) ?? []);
}

/** Return the style of each metric by its place. */
export function stylesOf(panels: readonly Panel[]): (name: string) => SeriesStyle {
  const placeOf = metricPlaces(panels);
  return (name) => seriesStyle(placeOf(name));
}

/** `smoothing`: percent; the values themselves are then drawn faintly behind. */
export function curvesOf(
  panel: Panel,
  metrics: SeriesSet | null,
  wanted: XKind,
  smoothing: number,
  styleOf: (name: string) => SeriesStyle,
): Curve[] {
  const xKind = xKindOf(seriesIn(panel, metrics), wanted);
  const curves = panel.names.flatMap((name): Curve[] => {
    const series = metrics?.series.get(name);
    if (!series) return [];
    const points = ordered(series, xKind);
    const table = { xs: points.map((point) => xOf(point, xKind)), ys: points.map(({ y }) => y) };
    return [{ name, ...styleOf(name), ...table, faint: false, smoothing: smoothing / 100 }];
  });
  if (smoothing === 0) return curves;
  return [...curves.map((curve) => ({ ...curve, faint: true, smoothing: 0 })), ...curves];
}

/** Return the cursor at a place of a panel; null: the panel is empty. */
export function cursorAt(panel: Panel, metrics: SeriesSet | null, wanted: XKind, x: number): Cursor | null {
  const all = seriesIn(panel, metrics);
  const xKind = xKindOf(all, wanted);
  const distance = (point: Point) => Math.abs(xOf(point, xKind) - x);
  return all.reduce<Cursor | null>((best, series) => {
    const point = nearest(ordered(series, xKind), x, xKind);
    const isBetter = point && (!best || distance(point) < distance(best.point));
    return isBetter ? { key: panel.key, x, series, point } : best;
  }, null);
}

/** Return the point of a series, in the panel `key`, that belongs to the cursor. */
export function pointAt(series: Series, cursor: Cursor, key: string, xKind: XKind): Point | null {
  if (cursor.key === key) return nearest(ordered(series, xKind), cursor.x, xKind);
  return counterpart(series, cursor.point, cursor.series);
}

/** Return where a panel shows the cursor; null: nowhere. */
export function placeOf(
  cursor: Cursor | null,
  panel: Panel,
  metrics: SeriesSet | null,
  wanted: XKind,
): number | null {
  const all = seriesIn(panel, metrics);
  const xKind = xKindOf(all, wanted);
  const point = cursor && all[0] ? pointAt(all[0], cursor, panel.key, xKind) : null;
  return point && xOf(point, xKind);
}

/** Return the cursor one point further in the panel's first series; `by`: -1 or 1. Without a cursor, at an end. */
export function steppedCursor(
  cursor: Cursor | null,
  panel: Panel,
  metrics: SeriesSet | null,
  wanted: XKind,
  by: number,
): Cursor | null {
  const all = seriesIn(panel, metrics);
  const xKind = xKindOf(all, wanted);
  const points = all[0] ? ordered(all[0], xKind) : [];
  const point = cursor && all[0] ? pointAt(all[0], cursor, panel.key, xKind) : null;
  const at = point ? points.indexOf(point) + by : by > 0 ? 0 : points.length - 1;
  const next = points[Math.min(points.length - 1, Math.max(0, at))];
  return next && all[0] ? { key: panel.key, x: xOf(next, xKind), series: all[0], point: next } : null;
}
