/** One task as the page knows it, shared by every view of it. */

import type { Connection } from "../net/connection.js";
import { epochOf, offsetOf } from "../net/cursor.js";
import type { Server } from "../net/server.js";
import type { Snapshot, Status, TaskEvent } from "../net/types.js";
import { Backfill } from "./backfill.js";
import { applyEvent, emptyTask } from "./reducer.js";
import { all, before } from "./history.js";
import { Log, LOG_TYPES } from "./log.js";
import { Metrics } from "./series.js";
import { Speed } from "./rate.js";
import { Gallery, Talk, TALK_TYPES } from "./conversation.js";

/** Last log, message and display events that come at once. */
export const TAIL = 200;
/** Seconds without news before the server is asked whether the task's process still answers. */
const QUIET = 20;
/** Seconds after which a past that could not be had is asked for again. */
const PAUSE = 5;
/** Displays of before that are fetched. */
const PICTURES = 30;

export class Feed {
  /** What the server knows of the task; null until it said something. */
  task: Snapshot | null = null;
  readonly log = new Log();
  readonly metrics = new Metrics();
  readonly talk = new Talk();
  readonly gallery = new Gallery();
  readonly speed = new Speed();
  /** Why the server will not tell; null while it does. */
  refusal: string | null = null;
  /** Whether the server was asked and does not know the task (yet). */
  unknown = false;
  readonly #watchers = new Set<() => void>();
  #folded = -1;
  #heard = 0;
  #id = 0;
  /** The journal's epoch, and the last offset of it that is known to be there. */
  #epoch = "";
  #last = 0;
  /** When the past may be asked for again. */
  #again = 0;
  readonly #metrics = new Backfill(this.metrics, ["metric", "state"]);
  readonly #talk = new Backfill(this.talk, TALK_TYPES);
  readonly #gallery = new Backfill(this.gallery, ["display"]);
  #earlier: Promise<void> | null = null;

  constructor(
    readonly connection: Connection,
    readonly server: Server,
    readonly taskId: string,
  ) {}

  /** The feed of a task over a connection, made when first asked for. */
  static of(connection: Connection, server: Server, taskId: string): Feed {
    const name = `feed ${taskId}`;
    const feed = (connection.shared.get(name) as Feed | undefined) ?? new Feed(connection, server, taskId);
    connection.shared.set(name, feed);
    return feed;
  }

  /** Call `changed` after every change. Returns what stops it. */
  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    if (this.#watchers.size === 1)
      this.#id = this.connection.follow({ tasks: [this.taskId], tail: TAIL }, this);
    return () => this.#unwatch(changed);
  }

  get status(): Status {
    return this.connection.status(this.#id);
  }

  /** How many log events came before the first line. */
  get earlier(): number {
    return Math.max(0, (this.task?.logs ?? 0) - this.log.events);
  }

  /** A second has passed. Of a running task that says nothing, ask whether its process still answers:
   * that is the server's observation, and no event carries it. */
  tick(): void {
    const now = this.connection.now();
    if (this.task?.state !== "running" || this.status !== "live" || now - this.#heard < QUIET) return;
    this.#heard = now;
    const id = this.connection.follow(
      { tasks: [this.taskId], tail: 0 },
      {
        restart: (tasks) => {
          this.connection.leave(id);
          this.#observe(tasks.find((task) => task.id === this.taskId)?.stalled_since ?? null);
        },
        apply() {},
        changed() {},
        refused: () => this.connection.leave(id),
      },
    );
  }

  #observe(stalled: number | null): void {
    if (this.task) this.task.stalled_since = stalled;
    this.changed();
  }

  #unwatch(changed: () => void): void {
    if (!this.#watchers.delete(changed) || this.#watchers.size > 0) return;
    this.connection.leave(this.#id);
    this.connection.shared.delete(`feed ${this.taskId}`);
    for (const part of [this.#metrics, this.#talk, this.#gallery]) part.clear(); // what is still asked for is for nobody
  }

  restart(tasks: Snapshot[], _more: boolean, cursor: string): void {
    this.#heard = this.connection.now();
    const task = tasks.find((one) => one.id === this.taskId) ?? null;
    this.unknown = task === null;
    this.task = task;
    this.#folded = offsetOf(task?.cursor);
    this.#forget(cursor);
    if (task?.progress) this.speed.add(task.updated ?? 0, task.progress.done);
    this.changed();
  }

  #forget(cursor: string): void {
    for (const part of [this.log, this.speed, this.#metrics, this.#talk, this.#gallery]) part.clear();
    this.#epoch = epochOf(cursor);
    this.#last = Math.max(this.#folded, offsetOf(cursor));
    this.#earlier = null;
    this.#again = 0;
  }

  /** Somebody looks: get what was said and shown before the page was there, and the metrics' course. */
  look(): void {
    if (!this.task || this.status !== "live" || this.connection.now() < this.#again) return;
    const [server, task] = [this.server, this.taskId];
    this.#want(this.#talk, () => all(server, task, TALK_TYPES));
    this.#want(this.#gallery, () => this.#pictures());
    if (Object.keys(this.task.metrics).length > 0)
      this.#want(this.#metrics, () => all(server, task, ["metric", "state"]));
  }

  #want(part: Backfill, pages: () => AsyncIterable<TaskEvent[]>): void {
    void part.want(pages, () => {
      if (part.trouble !== null) this.#again = this.connection.now() + PAUSE;
      this.changed();
    });
  }

  async *#pictures(): AsyncGenerator<TaskEvent[]> {
    yield await before(this.server, this.taskId, ["display"], `${this.#epoch}:${this.#last}`, PICTURES);
  }

  /** Put earlier lines before the first, for somebody who holds the log; asked again while that is under
   * way, it is the same request. Rejects with the server's sentence. */
  loadEarlier(): Promise<void> {
    this.#earlier ??= this.#loadEarlier().finally(() => (this.#earlier = null));
    return this.#earlier;
  }

  async #loadEarlier(): Promise<void> {
    const [log, oldest] = [this.log, this.log.oldest];
    const events = await before(
      this.server,
      this.taskId,
      LOG_TYPES,
      `${this.#epoch}:${oldest === null ? this.#last : oldest - 1}`,
    );
    if (log.oldest === oldest) log.prepend(events);
    this.changed();
  }

  apply(events: TaskEvent[]): void {
    this.#heard = this.connection.now();
    for (const event of events) this.#take(event);
    this.changed();
  }

  #take(event: TaskEvent): void {
    this.#last = Math.max(this.#last, event.offset);
    this.log.add(event);
    for (const part of [this.#metrics, this.#talk, this.#gallery]) part.add(event);
    // The tail that comes before the live events is in the snapshot already.
    if (event.offset > this.#folded) this.#fold(event);
  }

  #fold(event: TaskEvent): void {
    this.#folded = event.offset;
    this.task ??= emptyTask(this.taskId);
    const attempt = this.task.attempt;
    applyEvent(this.task, event);
    if (this.task.attempt !== attempt) this.speed.clear();
    if (event.type === "progress") this.speed.add(event.time, this.task.progress?.done ?? null);
  }

  refused(message: string): void {
    this.refusal = message;
    this.changed();
  }

  changed(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
