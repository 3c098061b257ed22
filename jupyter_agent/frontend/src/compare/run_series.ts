/** The panels of a comparison: those of the metrics, with a series for each run and metric. */

import { betterSide, firstParts, metricPlaces, panelsOf, plottedNames } from "../model/metrics/panels.js";
import type { Panel } from "../model/metrics/panels.js";
import type { Series, SeriesSet } from "../model/metrics/series.js";
import { runStyle, type SeriesStyle } from "../dom/series_colors.js";
import type { Run } from "./compare_store.js";

/** First parts of metrics by which runs are ranked, where a panel has several metrics. */
const VALIDATION = /(^|[^a-z])(val|valid|validation|eval|dev|test)([^a-z]|$)/i;

/** Return the name of a run's series, by which its place and its metric can be found again. */
export function seriesName({ index }: Run, metric: string): string {
  return `${index}/${metric}`;
}

export function placeOfRun(name: string): number {
  return Number.parseInt(name, 10);
}

export function metricOf(name: string): string {
  return name.slice(name.indexOf("/") + 1);
}

/** Return the panels of all metrics that any of the runs has; metrics with the same last part share one. */
export function metricPanels(runs: readonly Run[]): Panel[] {
  return panelsOf([...new Set(runs.flatMap((run) => plottedNames(run.task.metrics, run.metrics)))]);
}

/** Return the same panels with the names of the runs' series, metric by metric. */
export function runPanels(runs: readonly Run[]): Panel[] {
  const plotted = new Map(
    runs.map((run) => [run.index, new Set(plottedNames(run.task.metrics, run.metrics))]),
  );
  return metricPanels(runs).map((panel) => ({
    ...panel,
    names: panel.names.flatMap((metric) =>
      runs.filter(({ index }) => plotted.get(index)!.has(metric)).map((run) => seriesName(run, metric)),
    ),
  }));
}

/** Return the style of each series: a colour for the run, and a dash for the metric where several share a panel. */
export function runStyles(runs: readonly Run[]): (name: string) => SeriesStyle {
  const place = metricPlaces(metricPanels(runs));
  return (name) => runStyle(placeOfRun(name), place(metricOf(name)));
}

/** Return the series of all runs by their names in the panels. */
export function runSeries(runs: readonly Run[]): SeriesSet {
  const series = new Map<string, Series>();
  for (const run of runs)
    for (const [metric, one] of run.metrics.series) series.set(seriesName(run, metric), one);
  return { series, attempt: runs.map(({ index, metrics }) => `${index}:${metrics.attempt}`).join(" ") };
}

/** Return the names of a panel's series run by run, the best run first where the metric tells: by its last value, that
 * of the validation where there is one. */
export function ranked({ names }: Panel, series: SeriesSet["series"]): string[] {
  const metrics = [...new Set(names.map(metricOf))];
  const by = metrics.find((name) => VALIDATION.test(firstParts(name))) ?? metrics[0] ?? "";
  const runs = [...new Set(names.map(placeOfRun))];
  const order = byLastValue(runs, by, series);
  return order.flatMap((run) => names.filter((name) => placeOfRun(name) === run));
}

function byLastValue(runs: number[], metric: string, series: SeriesSet["series"]): number[] {
  const side = betterSide(metric);
  if (side === null) return runs;
  const worst = side === "low" ? Infinity : -Infinity;
  const value = (run: number) => series.get(`${run}/${metric}`)?.last?.y ?? worst;
  return runs.sort((one, other) => (side === "low" ? 1 : -1) * compared(value(one), value(other)));
}

function compared(one: number, other: number): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
