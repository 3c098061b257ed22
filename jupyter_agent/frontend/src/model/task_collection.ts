/** The tasks of a list: each folded from its events, all of them sorted. */

import { offsetOf } from "../net/cursor.js";
import type { Snapshot, TaskEvent } from "../net/types.js";
import { RateMeter } from "./rate.js";
import { applyEvent, END_STATES } from "./reducer.js";
import { byAge, byImportance } from "./sort.js";

/** The types of event that may change the order of the tasks. */
const CHANGE_TYPES: readonly string[] = ["state", "prompt", "input", "command"];

export interface Entry {
  /** Never changed in place: each event makes a new object. */
  task: Snapshot;
  /** The offset of the last event in the snapshot. */
  folded: number;
  readonly rateMeter: RateMeter;
}

export class TaskCollection {
  readonly #entries = new Map<string, Entry>();
  /** Caches of `tasks`; null: to be made again. */
  #sorted: Entry[] | null = null;
  #tasks: Snapshot[] | null = null;

  /** The tasks, the important ones first (see `byImportance`). */
  get tasks(): readonly Snapshot[] {
    this.#sorted ??= [...this.#entries.values()].sort((one, other) => byImportance(one.task, other.task));
    this.#tasks ??= this.#sorted.map((entry) => entry.task);
    return this.#tasks;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The tasks by id, in no order. */
  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries;
  }

  add(task: Snapshot): Entry {
    const entry = { task, folded: offsetOf(task.cursor), rateMeter: new RateMeter() };
    if (task.progress) entry.rateMeter.add(task.updated ?? 0, task.progress.done);
    this.#entries.set(task.id, entry);
    this.#sorted = this.#tasks = null;
    return entry;
  }

  drop(id: string): void {
    this.#entries.delete(id);
    this.#sorted = this.#tasks = null;
  }

  /** Fold an event into its task, unless it is in the snapshot already. Return the new snapshot of a change of state,
   * question or command; null for anything else. */
  fold(entry: Entry, event: TaskEvent): Snapshot | null {
    if (event.offset <= entry.folded) return null;
    const after = { ...entry.task };
    applyEvent(after, event);
    if (after.attempt !== entry.task.attempt) entry.rateMeter.clear();
    if (event.type === "progress") entry.rateMeter.add(event.time, after.progress?.done ?? null);
    [entry.task, entry.folded, this.#tasks] = [after, event.offset, null];
    if (!CHANGE_TYPES.includes(event.type)) return null;
    this.#sorted = null;
    return after;
  }

  /** Take the metrics of newer snapshots of the same attempts over; return each task that had none, before and after. */
  setMetrics(tasks: readonly Snapshot[]): [Snapshot, Snapshot][] {
    return tasks.flatMap(({ id, attempt, metrics }): [Snapshot, Snapshot][] => {
      const entry = this.#entries.get(id);
      const isNews = entry?.task.attempt === attempt && Object.keys(metrics).length > 0;
      if (!isNews || Object.keys(entry.task.metrics).length > 0) return [];
      const before = entry.task;
      [entry.task, this.#tasks, this.#sorted] = [{ ...before, metrics }, null, null];
      return [[before, entry.task]];
    });
  }

  /** Drop the oldest ended tasks once there are a tenth more than `max`: seldom, and many at once. Return the oldest
   * ended task that is still there, or the newest that was dropped; null when none was. */
  trim(max: number): string | null {
    const surplus = this.size - max;
    if (surplus <= max * 0.1) return null;
    const ended = this.tasks.filter((task) => END_STATES.has(task.state)).sort(byAge);
    const dropped = ended.slice(Math.max(0, ended.length - surplus));
    for (const task of dropped) this.drop(task.id);
    if (dropped.length === 0) return null;
    return ended.at(-dropped.length - 1)?.id ?? dropped[0]!.id;
  }
}

/** Return whether a task's history begins with this event. */
export function isFirstEvent(event: TaskEvent): boolean {
  if (event.type !== "state" || event.attempt !== 1 || event.flag === "bad_data") return false;
  return event.data.state === "queued" && Boolean(event.data.about);
}
