/** The parts of a task's bar: when it waited and when it ran, attempt by attempt. Times are Unix seconds. */

import { END_STATES } from "../model/reducer.js";
import type { Snapshot, State, TaskEvent } from "../net/types.js";

export interface Range {
  readonly from: number;
  readonly to: number;
}

/** `state`: queued while it waited; else the state in which that attempt is or ended. */
export interface Part extends Range {
  readonly state: State;
  readonly attempt: number;
}

export interface Attempt {
  readonly attempt: number;
  readonly state: State;
  readonly queued: number | null;
  readonly started: number | null;
  readonly ended: number | null;
}

/** Return the parts in order; `earlier`: the attempts before the snapshot's, as far as they are known. */
export function partsOf(task: Snapshot, earlier: readonly Attempt[], now: number): Part[] {
  return [...earlier.filter(({ attempt }) => attempt < task.attempt), task].flatMap((one) => parts(one, now));
}

function parts({ attempt, state, queued, started, ended }: Attempt, now: number): Part[] {
  const end = ended ?? now;
  const wait = queued ?? started;
  if (wait === null) return [];
  const isWaiting = started === null && !END_STATES.has(state);
  const waited = { state: "queued" as State, attempt, from: wait, to: Math.max(wait, started ?? end) };
  const ran = { state, attempt, from: started ?? end, to: Math.max(started ?? end, end) };
  return isWaiting ? [waited] : waited.to > waited.from ? [waited, ran] : [ran];
}

/** Return from when to when a task is on the timeline; null when it has no times. */
export function extentOf(parts: readonly Part[]): Range | null {
  return parts.length === 0 ? null : { from: parts[0]!.from, to: Math.max(...parts.map(({ to }) => to)) };
}

export function overlaps(one: Range, other: Range): boolean {
  return one.from <= other.to && one.to >= other.from;
}

/** Return the attempts that a task's `state` events tell of. */
export function attemptsOf(events: readonly TaskEvent[]): Attempt[] {
  const attempts = new Map<number, Attempt>();
  for (const event of events) {
    if (event.type !== "state") continue;
    const { state } = event.data as { state: State };
    const known = attempts.get(event.attempt) ?? EMPTY;
    const at = { ...known, attempt: event.attempt, state };
    if (state === "queued") at.queued = event.time;
    else if (state === "running") [at.started, at.ended] = [known.started ?? event.time, null];
    else at.ended = event.time;
    attempts.set(event.attempt, at);
  }
  return [...attempts.values()];
}

type Growing = { -readonly [Key in keyof Attempt]: Attempt[Key] };
const EMPTY: Growing = { attempt: 0, state: "queued", queued: null, started: null, ended: null };
