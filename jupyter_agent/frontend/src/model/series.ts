/** The course of a task's metrics, in bounded memory. */

import type { TaskEvent } from "../net/types.js";

/** Points of a series that are kept; then each four become their lowest and highest. */
export const MOST_POINTS = 4000;
/** Series that are kept, the first to come. */
export const MOST_SERIES = 50;

export interface Spot {
  readonly x: number;
  readonly y: number;
}

/** One metric. `spots` are in the order they came; x is the step, or the seconds since the first point. */
export class Series {
  spots: Spot[] = [];
  /** How many points the series stands for. */
  points = 0;
  /** How many points one pair of spots stands for; 1: every point is there. */
  #stride = 1;
  #low: Spot | null = null;
  #high: Spot | null = null;
  #pending = 0;

  add(spot: Spot): void {
    this.points += 1;
    if (this.#stride === 1) this.spots.push(spot);
    else this.#gather(spot);
    if (this.spots.length > MOST_POINTS) this.#thin();
  }

  /** What to draw: the spots, and those that are not merged yet. */
  get drawn(): Spot[] {
    return this.#low && this.#high ? [...this.spots, ...inOrder(this.#low, this.#high)] : this.spots;
  }

  #gather(spot: Spot): void {
    if (!this.#low || spot.y < this.#low.y) this.#low = spot;
    if (!this.#high || spot.y >= this.#high.y) this.#high = spot;
    this.#pending += 1;
    if (this.#pending < this.#stride) return;
    this.spots.push(...inOrder(this.#low, this.#high));
    this.#low = this.#high = null;
    this.#pending = 0;
  }

  #thin(): void {
    const [kept, size] = [[] as Spot[], 4];
    for (let from = 0; from < this.spots.length; from += size)
      kept.push(...extremes(this.spots.slice(from, from + size)));
    this.spots = kept;
    this.#stride = this.#stride === 1 ? size : this.#stride * 2;
  }
}

/** All metrics of the present attempt. */
export class Metrics {
  readonly series = new Map<string, Series>();
  /** Moves with every change. */
  version = 0;
  #attempt = 0;
  #start: number | null = null;
  /** The newest event that is in. */
  #taken = -1;

  add(event: TaskEvent): void {
    if (event.offset <= this.#taken || event.flag === "bad_data") return;
    this.#taken = event.offset;
    if (event.attempt > this.#attempt) this.#begin(event.attempt);
    if (event.type !== "metric" || event.attempt < this.#attempt) return;
    const { name, value, step } = event.data;
    this.#start ??= event.time;
    if (typeof value === "number") this.#of(name)?.add({ x: step ?? event.time - this.#start, y: value });
    this.version += 1;
  }

  clear(): void {
    this.#begin(0);
    this.#taken = -1;
  }

  #begin(attempt: number): void {
    this.#attempt = attempt;
    this.#start = null;
    this.series.clear();
    this.version += 1;
  }

  #of(name: string): Series | null {
    const known = this.series.get(name);
    if (known || this.series.size >= MOST_SERIES) return known ?? null;
    const made = new Series();
    this.series.set(name, made);
    return made;
  }
}

function extremes(spots: Spot[]): Spot[] {
  const low = spots.reduce((best, spot) => (spot.y < best.y ? spot : best));
  const high = spots.reduce((best, spot) => (spot.y >= best.y ? spot : best));
  return inOrder(low, high);
}

function inOrder(one: Spot, other: Spot): Spot[] {
  if (one === other) return [one];
  return one.x <= other.x ? [one, other] : [other, one];
}
