/** How fast a task goes, over its last seconds. */

import type { Snapshot } from "../net/types.js";
import { ENDED } from "./reducer.js";

/** Seconds that are looked back. */
const WINDOW = 30;
/** Seconds before a speed is believed. */
const KNOWN = 1;
/** Seconds without news before it counts as slowing down. */
const PATIENCE = 5;

export class Speed {
  #samples: { time: number; done: number }[] = [];

  /** At `time` (Unix seconds) so much was done. */
  add(time: number, done: number | null): void {
    const last = this.#samples.at(-1);
    if (done === null || (last && done < last.done)) this.#samples = [];
    if (done !== null) this.#samples.push({ time, done });
    while (this.#samples.length > 2 && this.#samples[1]!.time < time - WINDOW) this.#samples.shift();
  }

  clear(): void {
    this.#samples = [];
  }

  /** Units a second; null when not known yet. */
  rate(task: Snapshot, now: number): number | null {
    const done = task.progress?.done ?? null;
    if (done === null || task.started === null) return null;
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!ENDED.has(task.state) && first && last && last.time - first.time >= KNOWN) {
      const until = Math.max(last.time, now - PATIENCE);
      return (last.done - first.done) / (until - first.time);
    }
    const seconds = (task.ended ?? task.updated ?? now) - task.started;
    return seconds >= KNOWN && done > 0 ? done / seconds : null;
  }
}

/** Seconds that are left; null when nobody can tell. */
export function remaining(task: Snapshot, rate: number | null): number | null {
  const { done = null, total = null } = task.progress ?? {};
  if (ENDED.has(task.state) || !rate || done === null || !total || done >= total) return null;
  return (total - done) / rate;
}

/** The share that is done, 0 to 1; null when it is not known. */
export function share(task: Snapshot): number | null {
  const { done = null, total = null } = task.progress ?? {};
  return done !== null && total ? Math.min(1, Math.max(0, done / total)) : null;
}
