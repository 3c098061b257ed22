/** One plot: some series over one axis. */

import uPlot from "uplot";
import css from "uplot/dist/uPlot.min.css";
import { DASHES } from "../dom/series_colors.js";
import { adoptStyles } from "../dom/styles.js";
import type { XKind } from "../model/metrics/panels.js";
import { LOGARITHMIC, axesOf, logRange } from "./axes.js";
import { aligned, type Curve } from "./columns.js";
import own from "./plot.css";
import { followTouch } from "./touch.js";

export type { Curve } from "./columns.js";

/** `log`: a logarithmic y axis, which leaves out values up to 0. `range`: the part of the x axis to show; null: all. */
export interface Look {
  readonly log: boolean;
  readonly xKind: XKind;
  readonly range: readonly [number, number] | null;
}

/** What the reader does with the pointer. `hover`: null when it leaves. */
export interface ChartHandlers {
  hover(x: number | null): void;
  zoom(range: readonly [number, number]): void;
  click(): void;
}

/** Pixels that a drag must span; less is a click. */
const MIN_DRAG = 4;
/** Number of points up to which each is marked. */
const FEW_POINTS = 40;

export class Chart {
  #plot: uPlot | null = null;
  #shape = "";
  #look: Look = { log: false, xKind: "step", range: null };
  #ink = "";
  #isInside = false;
  #wasDragged = false;
  /** What the axis showed when two fingers came down. */
  #grasped: readonly [number, number] = [0, 0];

  constructor(
    readonly box: HTMLElement,
    readonly handlers: ChartHandlers,
  ) {
    adoptStyles(box, css);
    adoptStyles(box, own);
  }

  draw(curves: readonly Curve[], look: Look): void {
    this.#look = look;
    this.#ink = inkOf(this.box);
    const data = aligned(curves, look.log);
    const shape = JSON.stringify([
      look.log,
      look.xKind,
      curves.map(({ name, faint, color, dash }) => [name, faint, color, dash]),
    ]);
    // In a batch uPlot draws at once, and not after this frame's other charts: so each counts for the frame's budget.
    if (this.#plot && shape === this.#shape) return this.#plot.batch((plot: uPlot) => plot.setData(data));
    this.#shape = shape;
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(curves), data, this.box);
    this.#plot.batch(() => undefined);
    this.#listen(this.#plot.over);
  }

  /** Show the cursor at `x`, without a call of `hover`; null: nowhere. */
  mark(x: number | null): void {
    if (!this.#plot || this.#isInside) return;
    const left = x === null ? -10 : this.#plot.valToPos(x, "x");
    this.#plot.setCursor({ left, top: x === null ? -10 : 0 }, false);
  }

  /** Follow the size of the box. */
  resize(): void {
    const { width, height } = this.#size();
    if (this.#plot && (this.#plot.width !== width || this.#plot.height !== height))
      this.#plot.setSize({ width, height });
  }

  /** Draw again if the colour of text has changed. */
  followTheme(): void {
    const ink = inkOf(this.box);
    if (ink === this.#ink) return;
    this.#ink = ink;
    this.#plot?.redraw(false, true);
  }

  close(): void {
    this.#plot?.destroy();
    this.#plot = null;
  }

  #listen(over: HTMLElement): void {
    this.#isInside = false;
    over.addEventListener("mouseenter", () => (this.#isInside = true));
    over.addEventListener("mouseleave", () => {
      this.#isInside = false;
      this.handlers.hover(null);
    });
    over.addEventListener("mousedown", () => (this.#wasDragged = false));
    followTouch(over, {
      preview: (left, right) => this.#plot?.setSelect(selectOf(over, left, right), false),
      choose: (left, right) => this.#choose(left, right),
      grasp: () => (this.#grasped = this.#valuesAt(0, over.clientWidth)),
      pinch: (left, right) => {
        const [[from, to], width] = [this.#grasped, over.clientWidth];
        this.handlers.zoom([from + (left / width) * (to - from), from + (right / width) * (to - from)]);
      },
    });
    over.addEventListener("click", () => {
      if (!this.#wasDragged) this.handlers.click();
    });
  }

  #options(curves: readonly Curve[]): uPlot.Options {
    const { log, xKind } = this.#look;
    const isFew = (u: uPlot, index: number) => (u.data[index]?.length ?? 0) < FEW_POINTS;
    const series = curves.map(({ name, color, dash, faint }): uPlot.Series => {
      const stroke = faint ? `${color}55` : color;
      const points = { show: faint ? false : isFew, size: 4, fill: stroke };
      return {
        label: name,
        stroke,
        width: faint ? 1 : 1.5,
        dash: [...DASHES[dash]!],
        points,
        spanGaps: true,
      };
    });
    return {
      ...this.#size(),
      scales: {
        x: { time: false, range: (_, min, max) => this.#xRange(min, max) },
        y: log ? { distr: LOGARITHMIC, log: 10, range: (_, low, high) => logRange(low, high) } : {},
      },
      axes: axesOf(xKind, log, () => this.#ink),
      series: [{}, ...series],
      cursor: {
        y: false,
        drag: { x: true, y: false, setScale: false },
        points: { size: 6 },
        dataIdx: nearestValue,
        bind: { dblclick: () => null },
      },
      hooks: { setCursor: [(u) => this.#hover(u)], setSelect: [(u) => this.#select(u)] },
      legend: { show: false },
      padding: [8, 8, 0, 0],
    };
  }

  #xRange(min: number, max: number): [number, number] {
    const [from, to] = this.#look.range ?? [min, max];
    this.box.dataset.range = JSON.stringify([from, to]);
    return from < to ? [from, to] : [from - 1, to + 1];
  }

  #hover(u: uPlot): void {
    const left = u.cursor.left ?? -1;
    if (this.#isInside && left >= 0) this.handlers.hover(u.posToVal(left, "x"));
  }

  #select(u: uPlot): void {
    const { left, width } = u.select;
    if (width < MIN_DRAG) return;
    this.#wasDragged = true;
    this.#choose(left, left + width);
  }

  #choose(left: number, right: number): void {
    this.#plot?.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.handlers.zoom(this.#valuesAt(left, right));
  }

  /** Return the places on the axis of two places in pixels. */
  #valuesAt(left: number, right: number): readonly [number, number] {
    const valueAt = (place: number) => this.#plot?.posToVal(place, "x") ?? 0;
    return [valueAt(left), valueAt(right)];
  }

  #size(): { width: number; height: number } {
    return { width: Math.max(120, this.box.clientWidth), height: Math.max(80, this.box.clientHeight) };
  }
}

function selectOf(over: HTMLElement, left: number, right: number): uPlot.Select {
  return { left, top: 0, width: right - left, height: over.clientHeight };
}

/** Return the index of the series' value nearest to `index`: in a shared table, others have gaps there. */
function nearestValue(u: uPlot, series: number, index: number): number {
  const [xs, ys] = [u.data[0], u.data[series]!];
  if (series === 0 || ys[index] != null) return index;
  let [before, after] = [index, index];
  while (before >= 0 && ys[before] == null) before -= 1;
  while (after < ys.length && ys[after] == null) after += 1;
  if (before < 0) return after < ys.length ? after : index;
  if (after >= ys.length) return before;
  return xs[index]! - xs[before]! <= xs[after]! - xs[index]! ? before : after;
}

/** Return the colour of text in the page's theme. */
function inkOf(element: HTMLElement): string {
  const parts = getComputedStyle(element).color.match(/[\d.]+/g) ?? [];
  const [red = 0, green = 0, blue = 0] = parts.map(Number);
  return `#${[red, green, blue].map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
}
