/** The store of a comparison: some tasks with the curves of their metrics, live. */

import type { Timer } from "../net/environment.js";
import type { Connection } from "../net/connection.js";
import type { Server } from "../net/server.js";
import type { Listener, Snapshot, Status, TaskEvent } from "../net/types.js";
import { Lookups } from "../model/lookups.js";
import { END_STATES } from "../model/reducer.js";
import { MAX_COMPARED } from "../model/sweeps.js";
import { type Entry, TaskCollection } from "../model/task_collection.js";
import { Metrics } from "../model/metrics/series.js";
import { type MetricsAnswer, metricsPath, restoreMetrics } from "../model/metrics/summary.js";

const TYPES = ["state", "progress", "prompt", "input", "command", "stopping", "metric"];
/** Maximum number of points of a curve when it is loaded. */
export const MAX_CURVE_POINTS = 1000;
/** Seconds after which the curves that are there are shown without the others. */
const CURVES_TIMEOUT = 0.5;

/** One task of a comparison. */
export interface Run {
  /** Its place among the tasks that were asked for: decides its colour. */
  readonly index: number;
  readonly task: Snapshot;
  readonly metrics: Metrics;
}

/** The curves of one task, empty until the server's answer is there; events are held back meanwhile. */
class Curves {
  readonly metrics = new Metrics();
  #pending: TaskEvent[] | null = [];

  add(event: TaskEvent): void {
    if (this.#pending) this.#pending.push(event);
    else this.metrics.add(event);
  }

  /** `answer`: null when the server has none. */
  begin(answer: MetricsAnswer | null): void {
    if (answer) restoreMetrics(this.metrics, answer);
    for (const event of this.#pending ?? []) this.metrics.add(event);
    this.#pending = null;
  }
}

export class CompareStore implements Listener {
  /** Whether the server has sent the tasks. */
  isLoaded = false;
  /** Why the server refuses the subscription; null while it does not. */
  refusal: string | null = null;
  /** Incremented by every change. */
  version = 0;
  readonly #lookups: Lookups;
  #collection = new TaskCollection();
  #curves = new Map<string, Curves>();
  #id = 0;
  /** Number of curves that the server has not sent yet. */
  #expected = 0;
  #timer: Timer = null;

  /** Only the first `MAX_COMPARED` of `ids` are followed. `changed` is called after every change. */
  constructor(
    readonly connection: Connection,
    readonly server: Server,
    readonly ids: readonly string[],
    readonly notify: () => void,
  ) {
    this.#lookups = new Lookups(server, connection.environment);
    this.ids = ids.slice(0, MAX_COMPARED);
    this.#id = connection.subscribe({ tasks: [...this.ids], types: TYPES }, this);
  }

  /** End it. Idempotent. */
  close(): void {
    this.connection.unsubscribe(this.#id);
    this.#lookups.cancelAll();
    this.connection.environment.clearTimer(this.#timer);
  }

  get status(): Status {
    return this.connection.status(this.#id);
  }

  /** The tasks that the server has, in the order in which they were asked for. */
  get runs(): Run[] {
    return this.ids.flatMap((id, index) => {
      const [entry, curves] = [this.#collection.entries.get(id), this.#curves.get(id)];
      return entry && curves ? [{ index, task: entry.task, metrics: curves.metrics }] : [];
    });
  }

  restart(tasks: Snapshot[]): void {
    this.#lookups.cancelAll();
    this.#collection = new TaskCollection();
    this.#curves = new Map(tasks.map(({ id }) => [id, new Curves()]));
    [this.isLoaded, this.refusal, this.#expected] = [true, null, 0];
    for (const task of tasks) {
      this.#collection.add(task);
      this.#load(task);
    }
    this.changed();
  }

  #load({ id, metrics }: Snapshot): void {
    const curves = this.#curves.get(id)!;
    if (Object.keys(metrics).length === 0) return curves.begin(null);
    this.#expected += 1;
    void this.#lookups.get<MetricsAnswer>(metricsPath(id, MAX_CURVE_POINTS), (answer) => {
      curves.begin(answer);
      this.#expected -= 1;
      this.#showCurves();
    });
  }

  /** Show the curves that have come: once, when they come soon, as drawing all plots for each takes longer. */
  #showCurves(): void {
    const { environment } = this.connection;
    if (this.#expected > 0) {
      this.#timer ??= environment.setTimer(CURVES_TIMEOUT, () => this.#expired());
      return;
    }
    environment.clearTimer(this.#timer);
    this.#expired();
  }

  #expired(): void {
    this.#timer = null;
    this.changed();
  }

  apply(events: TaskEvent[]): void {
    for (const event of events) {
      const entry: Entry | undefined = this.#collection.entries.get(event.task);
      if (!entry) continue;
      this.#collection.fold(entry, event);
      this.#curves.get(event.task)!.add(event);
    }
    this.changed();
  }

  refused(message: string): void {
    this.refusal = message;
    this.changed();
  }

  hasActiveTasks(): boolean {
    return this.runs.some(({ task }) => !END_STATES.has(task.state));
  }

  changed(): void {
    this.version += 1;
    this.notify();
  }
}
