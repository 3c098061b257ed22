/** The progress rate of a task over its last seconds, and what follows from it. */

import type { Snapshot } from "../net/types.js";
import { END_STATES } from "./reducer.js";

/** Seconds over which the rate is measured. */
const WINDOW = 30;
/** Minimum number of seconds that a measurement spans. */
const MIN_SPAN = 1;
/** Seconds without an event after which the rate decays. */
const STALE_AFTER = 5;

export class RateMeter {
  #samples: { time: number; done: number }[] = [];

  /** Record the units done at `time` (Unix seconds). */
  add(time: number, done: number | null): void {
    const last = this.#samples.at(-1);
    if (done === null || (last && done < last.done)) this.#samples = [];
    if (done !== null) this.#samples.push({ time, done });
    while (this.#samples.length > 2 && this.#samples[1]!.time < time - WINDOW) this.#samples.shift();
  }

  clear(): void {
    this.#samples = [];
  }

  /** Return units a second; null while unknown. */
  rate(task: Snapshot, now: number): number | null {
    const done = task.progress?.done ?? null;
    if (done === null || task.started === null) return null;
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!END_STATES.has(task.state) && first && last && last.time - first.time >= MIN_SPAN) {
      const until = Math.max(last.time, now - STALE_AFTER);
      return (last.done - first.done) / (until - first.time);
    }
    const seconds = (task.ended ?? task.updated ?? now) - task.started;
    return seconds >= MIN_SPAN && done > 0 ? done / seconds : null;
  }
}

/** Return the seconds remaining; null when they cannot be estimated. */
export function secondsRemaining(task: Snapshot, rate: number | null): number | null {
  const { done = null, total = null } = task.progress ?? {};
  if (END_STATES.has(task.state) || !rate || done === null || !total || done >= total) return null;
  return (total - done) / rate;
}

/** Return the fraction done, 0 to 1; null when it is unknown. */
export function fractionDone(task: Snapshot): number | null {
  const { done = null, total = null } = task.progress ?? {};
  return done !== null && total ? Math.min(1, Math.max(0, done / total)) : null;
}
