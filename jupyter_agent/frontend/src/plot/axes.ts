/** The axes of a plot. */

import type uPlot from "uplot";
import type { XKind } from "../model/metrics/panels.js";

/** uPlot's constant, which its types declare but its module does not export. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment
export const LOGARITHMIC: uPlot.Scale.Distr.Logarithmic = 3;

const FONT = "11px system-ui, sans-serif";
const [MINUTE, HOUR, DAY] = [60, 3600, 86_400];
const SHORT_TIMES = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
const LONG_TIMES = [1, 2, 5, 10, 15, 30].map((n) => n * MINUTE);
const HOURS = [1, 2, 3, 6, 12].map((n) => n * HOUR);
const DAYS = [1, 2, 5, 10, 20, 50, 100].map((n) => n * DAY);
/** Distances of ticks on an axis of steps: halves of a step are none. */
const STEPS = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** (power - 3))).flat();
/** Pixels of a character in a tick's label, and of what is beside it. */
const [CHARACTER, BESIDE] = [6.5, 12];

/** Maximum number of powers of ten with a label. */
const MAX_POWERS = 5;
/** Number of powers of ten up to which there are places between them. */
const FEW_POWERS = 3;

/** `ink`: the present colour of text. */
export function axesOf(xKind: XKind, log: boolean, ink: () => string): uPlot.Axis[] {
  const axis: uPlot.Axis = {
    stroke: ink,
    font: FONT,
    labelFont: FONT,
    grid: { stroke: () => `${ink()}1c`, width: 1 },
    ticks: { stroke: () => `${ink()}44`, width: 1, size: 4 },
  };
  const time = { incrs: [...SHORT_TIMES, ...LONG_TIMES, ...HOURS, ...DAYS], values: timeLabels };
  const x = { ...axis, size: 24, gap: 2, label: xKind, labelSize: 14, labelGap: -2, space: 50 };
  const y: uPlot.Axis = { ...axis, values: labels, size: widthOf, gap: 3, space: 24 };
  if (log) {
    y.splits = (_, __, low, high) => logSplits(low, high);
    y.filter = powersOfTen;
    y.grid = { ...y.grid, filter: powersOfTen };
    y.ticks = { ...y.ticks, filter: powersOfTen };
  }
  return [{ ...x, ...(xKind === "time" ? time : { incrs: STEPS, values: labels }) }, y];
}

/** Return the range of a logarithmic axis: the powers of ten around its values. uPlot's own takes seconds for values
 * below 1e-30. */
export function logRange(low: number, high: number): [number, number] {
  if (!(low > 0)) return [low, high]; // null: there is nothing to draw
  const [from, to] = [Math.floor(exponentOf(low)), Math.ceil(exponentOf(high))];
  return [power(from), power(to > from ? to : from + 1)];
}

/** Return the powers of ten from `low` to `high`, with the places between where there are few. */
export function logSplits(low: number, high: number): number[] {
  const [from, to] = [Math.floor(exponentOf(low)), Math.ceil(exponentOf(high))];
  const parts = to - from > FEW_POWERS ? [1] : [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const powers = Array.from({ length: to - from + 1 }, (_, at) => from + at);
  const splits = powers.flatMap((exponent) => parts.map((part) => Number(`${part}e${exponent}`)));
  return splits.filter((value) => value >= low && value <= high);
}

/** To twelve digits: the exponent of 0.001 is -3, and not a little less. */
function exponentOf(value: number): number {
  return Number(Math.log10(value).toFixed(12));
}

function power(exponent: number): number {
  return Math.max(Number.MIN_VALUE, Number(`1e${Math.min(308, exponent)}`));
}

/** Keep the powers of ten, or some of them; all places where there are too few of them. */
function powersOfTen(_: uPlot, splits: (number | null)[]): (number | null)[] {
  const exponents = splits.map((value) => (value ? Math.log10(value) : NaN)).map(toInteger);
  const powers = exponents.filter((exponent) => exponent !== null);
  if (powers.length < 2) return splits;
  const stride = Math.ceil(powers.length / MAX_POWERS);
  return splits.map((value, at) => (exponents[at] != null && exponents[at] % stride === 0 ? value : null));
}

function toInteger(value: number): number | null {
  const whole = Math.round(value);
  return Math.abs(value - whole) < 1e-6 ? whole : null;
}

function labels(_: uPlot, ticks: (number | null)[]): string[] {
  return ticks.map(formatTick);
}

/** The unit is that of the last tick. */
function timeLabels(_: uPlot, ticks: (number | null)[]): string[] {
  const last = Math.abs(ticks.at(-1) ?? 0);
  const [unit, word] =
    last >= 2 * DAY
      ? [DAY, "d"]
      : last >= 2 * HOUR
        ? [HOUR, "h"]
        : last >= 2 * MINUTE
          ? [MINUTE, "m"]
          : [1, "s"];
  return ticks.map((tick) => (tick === null ? "" : `${formatTick(tick / unit)}${word}`));
}

function widthOf(_: uPlot, texts: (string | null)[] | null): number {
  return Math.round(Math.max(1, ...(texts ?? []).map((text) => text?.length ?? 0)) * CHARACTER) + BESIDE;
}

export function formatTick(value: number | null): string {
  if (value === null) return "";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-3))
    return Number(value.toPrecision(2)).toExponential().replace("e+", "e");
  return size >= 10_000 ? `${Number((value / 1000).toPrecision(4))}k` : String(Number(value.toPrecision(4)));
}
