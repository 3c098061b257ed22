/** Plots of metrics, drawn by uPlot. */

import uPlot from "uplot";
import css from "uplot/dist/uPlot.min.css";
import { adoptStyles } from "../dom/styles.js";
import own from "./plot.css";

const HEIGHT = 180;
/** After Okabe and Ito, "Color Universal Design", 2008; a little lighter, for contrast on dark backgrounds, too. */
const COLORS = ["#3b8ede", "#e69f00", "#1fa774", "#d0679d", "#e2622b", "#7fb8e8", "#9a8fd8"];

/** uPlot's constant, which its types declare but its module does not export. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment
const LOGARITHMIC: uPlot.Scale.Distr.Logarithmic = 3;

export interface Curve {
  readonly name: string;
  readonly points: readonly { x: number; y: number }[];
}

export class Plot {
  #plot: uPlot | null = null;
  #shape = "";
  readonly #sizes: ResizeObserver;

  constructor(readonly into: HTMLElement) {
    adoptStyles(into, css);
    adoptStyles(into, own);
    this.#sizes = new ResizeObserver(() => this.#plot?.setSize(this.#size()));
    this.#sizes.observe(into);
  }

  /** Draw these curves; `log`: a logarithmic y axis, which leaves out values up to 0. */
  draw(curves: readonly Curve[], log: boolean): void {
    const data = aligned(curves, log);
    const shape = JSON.stringify([log, this.#ink(), curves.map((curve) => curve.name)]);
    if (this.#plot && shape === this.#shape) return this.#plot.setData(data);
    this.#shape = shape;
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(curves, log), data, this.into);
  }

  close(): void {
    this.#sizes.disconnect();
    this.#plot?.destroy();
    this.#plot = null;
  }

  #options(curves: readonly Curve[], log: boolean): uPlot.Options {
    const ink = this.#ink();
    const axis = {
      stroke: ink,
      grid: { stroke: `${ink}22`, width: 1 },
      ticks: { stroke: `${ink}44`, width: 1, size: 4 },
    };
    const few = (u: uPlot, index: number) => (u.data[index]?.length ?? 0) < 40;
    const series = curves.map(({ name }, at) => {
      const stroke = COLORS[at % COLORS.length]!;
      return {
        label: name,
        stroke,
        width: 1.5,
        dash: at < COLORS.length ? [] : [6, 4],
        points: { show: few, size: 4, fill: stroke },
        spanGaps: true,
        value: (_: uPlot, y: number | null) => formatShort(y),
      };
    });
    return {
      ...this.#size(),
      scales: { x: { time: false }, y: log ? { distr: LOGARITHMIC, log: 10 } : {} },
      axes: [
        { ...axis, size: 28 },
        { ...axis, size: 56, values: (_, ticks) => ticks.map(formatShort) },
      ],
      series: [{ label: "at", value: (_, x) => formatShort(x) }, ...series],
      cursor: { drag: { x: true, y: false }, points: { size: 6 } },
      legend: { live: true },
      padding: [30, 8, 0, 0],
    };
  }

  #size(): { width: number; height: number } {
    return { width: Math.max(160, this.into.clientWidth), height: HEIGHT };
  }

  /** Return the colour of text in the page's theme. */
  #ink(): string {
    const [red = 0, green = 0, blue = 0] = (getComputedStyle(this.into).color.match(/[\d.]+/g) ?? []).map(
      Number,
    );
    return `#${[red, green, blue].map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
  }
}

function aligned(curves: readonly Curve[], log: boolean): uPlot.AlignedData {
  const tables = curves.map(({ points: spots }): uPlot.AlignedData => {
    const sorted = spots.filter(({ y }) => Number.isFinite(y) && (!log || y > 0)).sort((a, b) => a.x - b.x);
    const [xs, ys] = [[] as number[], [] as number[]];
    for (const { x, y } of sorted) {
      if (x === xs.at(-1)) ys[ys.length - 1] = y;
      else [xs[xs.length], ys[ys.length]] = [x, y];
    }
    return [xs, ys];
  });
  return tables.length === 1 ? tables[0]! : uPlot.join(tables);
}

function formatShort(value: number | null | undefined): string {
  if (value === null || value === undefined) return "";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-3)) return value.toExponential(1);
  return String(Number(value.toPrecision(4)));
}
