/** The metric series of a task, in bounded memory. */

import type { TaskEvent } from "../../net/types.js";

/** Maximum number of points in a series; beyond it each four are merged into their lowest and highest. */
export const MAX_POINTS = 4000;
/** Maximum number of series (first come, first kept). */
export const MAX_SERIES = 50;

/** One value. `step`: null where the task gave none; `time`: seconds since the first value of the attempt. */
export interface Point {
  readonly step: number | null;
  readonly time: number;
  readonly y: number;
}

/** One metric. Points are in the order of their events. */
export class Series {
  points: Point[] = [];
  /** Number of values that the series stands for. */
  count = 0;
  /** The newest value, and of the lowest and the highest the first; null without a value. */
  last: Point | null = null;
  lowest: Point | null = null;
  highest: Point | null = null;
  /** Whether every value came with a step. */
  hasSteps = true;
  /** Number of values that one pair of points stands for; 1: every value has its own point. */
  #stride = 1;
  #low: Point | null = null;
  #high: Point | null = null;
  #pending = 0;

  /** Return a series of `count` values that these points stand for, the last of them being the newest value. */
  static of(points: Point[], count: number): Series {
    const made = new Series();
    for (const point of points) made.#note(point);
    [made.points, made.count] = [points, count];
    return made;
  }

  add(point: Point): void {
    this.count += 1;
    this.#note(point);
    if (this.#stride === 1) this.points.push(point);
    else this.#merge(point);
    if (this.points.length > MAX_POINTS) this.#thin();
  }

  /** The points to draw, with those of the values that are not merged yet. */
  get drawn(): Point[] {
    return this.#low && this.#high ? [...this.points, ...inOrder(this.#low, this.#high)] : this.points;
  }

  #note(point: Point): void {
    this.last = point;
    if (!this.lowest || point.y < this.lowest.y) this.lowest = point;
    if (!this.highest || point.y > this.highest.y) this.highest = point;
    if (point.step === null) this.hasSteps = false;
  }

  #merge(point: Point): void {
    if (!this.#low || point.y < this.#low.y) this.#low = point;
    if (!this.#high || point.y >= this.#high.y) this.#high = point;
    this.#pending += 1;
    if (this.#pending < this.#stride) return;
    this.points.push(...inOrder(this.#low, this.#high));
    this.#low = this.#high = null;
    this.#pending = 0;
  }

  #thin(): void {
    const [kept, size] = [[] as Point[], 4];
    for (let from = 0; from < this.points.length; from += size)
      kept.push(...extremes(this.points.slice(from, from + size)));
    this.points = kept;
    this.#stride = this.#stride === 1 ? size : this.#stride * 2;
  }
}

/** Series by the names under which panels have them. `attempt` changes when they start over. */
export interface SeriesSet {
  readonly series: ReadonlyMap<string, Series>;
  readonly attempt: number | string;
}

/** All metrics of the current attempt. */
export class Metrics implements SeriesSet {
  readonly series = new Map<string, Series>();
  /** Incremented by every change. */
  version = 0;
  attempt = 0;
  #start: number | null = null;
  /** The offset of the newest event that was added. */
  #lastOffset = -1;

  add(event: TaskEvent): void {
    if (event.offset <= this.#lastOffset || event.flag === "bad_data") return;
    this.#lastOffset = event.offset;
    if (event.attempt > this.attempt) this.#begin(event.attempt);
    if (event.type !== "metric" || event.attempt < this.attempt) return;
    const { name, value, step } = event.data;
    this.#start ??= event.time;
    if (typeof value === "number")
      this.#seriesOf(name)?.add({ step: step ?? null, time: event.time - this.#start, y: value });
    this.version += 1;
  }

  /** The time of the first value in Unix seconds; null without one. */
  get start(): number | null {
    return this.#start;
  }

  /** Start over with series that have all events up to `offset`; `start`: the time of the first value. */
  restore(attempt: number, start: number | null, offset: number, series: Iterable<[string, Series]>): void {
    this.#begin(attempt);
    [this.#start, this.#lastOffset] = [start, offset];
    for (const [name, one] of series) this.series.set(name, one);
  }

  clear(): void {
    this.#begin(0);
    this.#lastOffset = -1;
  }

  #begin(attempt: number): void {
    this.attempt = attempt;
    this.#start = null;
    this.series.clear();
    this.version += 1;
  }

  #seriesOf(name: string): Series | null {
    const known = this.series.get(name);
    if (known || this.series.size >= MAX_SERIES) return known ?? null;
    const made = new Series();
    this.series.set(name, made);
    return made;
  }
}

function extremes(spots: Point[]): Point[] {
  const low = spots.reduce((best, point) => (point.y < best.y ? point : best));
  const high = spots.reduce((best, point) => (point.y >= best.y ? point : best));
  return inOrder(low, high);
}

function inOrder(one: Point, other: Point): Point[] {
  if (one === other) return [one];
  const isFirst = one.time < other.time || (one.time === other.time && (one.step ?? 0) <= (other.step ?? 0));
  return isFirst ? [one, other] : [other, one];
}
