/** The store of one task, shared by all its views on the page. */

import type { Connection } from "../net/connection.js";
import { epochOf, offsetOf } from "../net/cursor.js";
import type { Server } from "../net/server.js";
import type { Listener, Snapshot, Status, TaskEvent } from "../net/types.js";
import { Backfill } from "./backfill.js";
import { applyEvent, emptyTask, END_STATES } from "./reducer.js";
import { allEvents, eventsBefore } from "./history.js";
import { Attempts } from "./log/attempts.js";
import { Log, LOG_TYPES } from "./log/log.js";
import { Metrics } from "./metrics/series.js";
import { RateMeter } from "./rate.js";
import { Conversation, CONVERSATION_TYPES } from "./conversation.js";
import { Gallery } from "./gallery.js";

/** Number of last log, message and display events that a subscription begins with. */
const TAIL_EVENTS = 200;
/** Seconds without an event after which the server is asked whether the task's process still answers. */
const STALL_CHECK_AFTER = 20;
/** The same for a queued task, and what it waits for. */
const WAITING_CHECK_AFTER = 10;
/** The fields of a snapshot that no event carries. */
const OBSERVED = ["stalled_since", "retriable", "waiting"] as const;
/** Seconds after which a past that could not be loaded is tried again. */
const RETRY_DELAY = 5;
/** Maximum number of past displays to fetch. */
const MAX_PAST_DISPLAYS = 30;

export class TaskStore implements Listener {
  /** The server's snapshot; null until it has sent one. */
  task: Snapshot | null = null;
  readonly log = new Log();
  readonly attempts = new Attempts();
  readonly metrics = new Metrics();
  readonly conversation = new Conversation();
  readonly gallery = new Gallery();
  readonly rateMeter = new RateMeter();
  /** Why the server refuses the subscription; null while it does not. */
  refusal: string | null = null;
  /** Whether the server does not know the task (yet). */
  isUnknown = false;
  /** Get each event that arrives, in addition to the log. */
  readonly taps = new Set<(event: TaskEvent) => void>();
  /** How often the subscription has begun: what was loaded before that may be of another journal. */
  restarts = 0;
  readonly #listeners = new Set<() => void>();
  #lastFolded = -1;
  /** Whether the tail, with which the subscription begins, has not come yet. */
  awaitsTail = false;
  #lastEventTime = 0;
  #id = 0;
  /** The journal's epoch, and the newest offset of it that was seen. */
  #epoch = "";
  #lastOffset = 0;
  /** The server's time from which on a failed past may be loaded again. */
  #retryAt = 0;
  readonly #metricsBackfill = new Backfill(this.metrics, ["metric", "state"]);
  readonly #conversationBackfill = new Backfill(this.conversation, CONVERSATION_TYPES);
  readonly #galleryBackfill = new Backfill(this.gallery, ["display"]);
  readonly #attemptsBackfill = new Backfill(this.attempts, ["state"]);
  readonly #backfills = [
    this.#metricsBackfill,
    this.#conversationBackfill,
    this.#galleryBackfill,
    this.#attemptsBackfill,
  ];
  #loadingEarlier: Promise<void> | null = null;

  constructor(
    readonly connection: Connection,
    readonly server: Server,
    readonly taskId: string,
  ) {}

  /** Return the store of a task over a connection, created on first use. */
  static of(connection: Connection, server: Server, taskId: string): TaskStore {
    const key = registryKey(taskId);
    const store =
      (connection.shared.get(key) as TaskStore | undefined) ?? new TaskStore(connection, server, taskId);
    connection.shared.set(key, store);
    return store;
  }

  /** Call `changed` after every change. Returns a function that ends this. */
  subscribe(changed: () => void): () => void {
    this.#listeners.add(changed);
    if (this.#listeners.size === 1)
      this.#id = this.connection.subscribe({ tasks: [this.taskId], tail: TAIL_EVENTS }, this);
    return () => this.#unsubscribe(changed);
  }

  get status(): Status {
    return this.connection.status(this.#id);
  }

  /** Number of log events before the first line, those of a tail that has not come included. */
  get earlier(): number {
    return Math.max(0, (this.task?.logs ?? 0) - this.log.events);
  }

  /** Ask for a snapshot of a task that has been silent: whether its process is stalled, and what it waits for, are
   * observations of the server, and no event carries them. To be called once a second. */
  checkStalled(): void {
    const [now, state] = [this.connection.now(), this.task?.state];
    const after = state === "queued" ? WAITING_CHECK_AFTER : STALL_CHECK_AFTER;
    const isActive = state === "queued" || state === "running";
    if (!isActive || this.status !== "live" || now - this.#lastEventTime < after) return;
    this.#lastEventTime = now;
    this.#observe();
  }

  /** Ask for what no event carries. */
  #observe(): void {
    const id = this.connection.subscribe(
      { tasks: [this.taskId], tail: 0 },
      {
        restart: (tasks) => {
          this.connection.unsubscribe(id);
          this.#setObserved(tasks.find((task) => task.id === this.taskId) ?? null);
        },
        apply() {},
        changed() {},
        refused: () => this.connection.unsubscribe(id),
      },
    );
  }

  #setObserved(seen: Snapshot | null): void {
    if (this.task && this.task.attempt === seen?.attempt)
      for (const field of OBSERVED) this.task[field] = seen[field] as never;
    this.changed();
  }

  #unsubscribe(changed: () => void): void {
    if (!this.#listeners.delete(changed) || this.#listeners.size > 0) return;
    this.connection.unsubscribe(this.#id);
    this.connection.shared.delete(registryKey(this.taskId));
    for (const part of this.#backfills) part.clear(); // also discards the answers still under way
  }

  restart(tasks: Snapshot[], _more: boolean, cursor: string): void {
    this.#lastEventTime = this.connection.now();
    const task = tasks.find((one) => one.id === this.taskId) ?? null;
    this.isUnknown = task === null;
    this.task = task;
    this.restarts += 1;
    this.#lastFolded = offsetOf(task?.cursor);
    this.awaitsTail = offsetOf(cursor) < this.#lastFolded; // with a tail, the subscription begins before it
    this.#clear(cursor);
    if (task?.progress) this.rateMeter.add(task.updated ?? 0, task.progress.done);
    this.changed();
  }

  #clear(cursor: string): void {
    for (const part of [this.log, this.rateMeter, ...this.#backfills]) part.clear();
    this.#epoch = epochOf(cursor);
    this.#lastOffset = Math.max(this.#lastFolded, offsetOf(cursor));
    this.#loadingEarlier = null;
    this.#retryAt = 0;
  }

  /** Load the past of the conversation, the gallery and the metrics, unless that was done. Called while a view is
   * visible. */
  loadPast(): void {
    if (!this.task || this.status !== "live" || this.connection.now() < this.#retryAt) return;
    const [server, task] = [this.server, this.taskId];
    this.#load(this.#conversationBackfill, () => allEvents(server, task, CONVERSATION_TYPES));
    this.#load(this.#galleryBackfill, () => this.#pastDisplays());
    if (this.task.attempt > 1) this.#load(this.#attemptsBackfill, () => allEvents(server, task, ["state"]));
    if (Object.keys(this.task.metrics).length > 0)
      this.#load(this.#metricsBackfill, () => allEvents(server, task, ["metric", "state"]));
  }

  #load(part: Backfill, pages: () => AsyncIterable<TaskEvent[]>): void {
    void part.load(pages, () => {
      if (part.error !== null) this.#retryAt = this.connection.now() + RETRY_DELAY;
      this.changed();
    });
  }

  async *#pastDisplays(): AsyncGenerator<TaskEvent[]> {
    yield await eventsBefore(this.server, this.taskId, ["display"], this.cursor, MAX_PAST_DISPLAYS);
  }

  /** A cursor behind every event that has arrived. */
  get cursor(): string {
    return this.cursorAt(this.#lastOffset);
  }

  /** Return the cursor of an offset in the present journal. */
  cursorAt(offset: number): string {
    return `${this.#epoch}:${offset}`;
  }

  /** Load a page of earlier log lines, for a reader that holds the log. Calls during a request share it. Rejects with
   * the server's message. */
  loadEarlier(): Promise<void> {
    this.#loadingEarlier ??= this.#loadEarlier().finally(() => (this.#loadingEarlier = null));
    return this.#loadingEarlier;
  }

  async #loadEarlier(): Promise<void> {
    const [log, oldest] = [this.log, this.log.oldest];
    const events = await eventsBefore(
      this.server,
      this.taskId,
      LOG_TYPES,
      oldest === null ? this.cursor : this.cursorAt(oldest - 1),
    );
    // The log may have been cleared or trimmed meanwhile: then these lines would not be the ones before its first.
    if (log.oldest === oldest) log.prepend(events);
    this.changed();
  }

  apply(events: TaskEvent[]): void {
    this.#lastEventTime = this.connection.now();
    this.awaitsTail = false;
    for (const event of events) this.#applyOne(event);
    this.changed();
  }

  #applyOne(event: TaskEvent): void {
    this.#lastOffset = Math.max(this.#lastOffset, event.offset);
    this.log.add(event);
    for (const tap of this.taps) tap(event);
    for (const part of this.#backfills) part.add(event);
    // The snapshot includes the tail that a subscription begins with.
    if (event.offset > this.#lastFolded) this.#fold(event);
  }

  #fold(event: TaskEvent): void {
    this.#lastFolded = event.offset;
    this.task ??= emptyTask(this.taskId);
    const attempt = this.task.attempt;
    applyEvent(this.task, event);
    if (this.task.attempt !== attempt) this.rateMeter.clear();
    if (event.type === "progress") this.rateMeter.add(event.time, this.task.progress?.done ?? null);
    if (event.type === "state" && END_STATES.has(this.task.state)) this.#observe();
  }

  refused(message: string): void {
    this.refusal = message;
    this.changed();
  }

  hasActiveTasks(): boolean {
    return this.task !== null && !END_STATES.has(this.task.state);
  }

  changed(): void {
    for (const watcher of this.#listeners) watcher();
  }
}

function registryKey(taskId: string): string {
  return `task ${taskId}`;
}
