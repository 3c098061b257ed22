/** The store of a task list: all tasks of a server, or some that are named, live. */

import type { Connection } from "../net/connection.js";
import { epochOf, offsetOf } from "../net/cursor.js";
import { errorMessageOf, type Server } from "../net/server.js";
import type { Listener, Snapshot, Status, TaskEvent } from "../net/types.js";
import { Lookups, type TaskPage } from "./lookups.js";
import { emptyTask, END_STATES } from "./reducer.js";
import { type Entry, isFirstEvent, TaskCollection } from "./task_collection.js";

/** The types of event that a list needs. Without logs and metrics a task's counts of events and logs stay behind. */
const TYPES = ["state", "progress", "prompt", "input", "command", "stopping"];
/** The types of event that count as news of a task that was not known before. */
const NEWS_TYPES: readonly string[] = ["state", "prompt"];
/** Maximum number of tasks; the oldest ended ones are dropped first. */
const MAX_TASKS = 1000;
/** Older tasks in a page. */
const PAGE_SIZE = 100;

export type ChangeListener = (before: Snapshot | null, after: Snapshot) => void;

export class TaskListStore implements Listener {
  /** Whether the server has older tasks. */
  more = false;
  /** Whether the server has sent its tasks. */
  isLoaded = false;
  /** Why the server refuses the subscription; null while it does not. */
  refusal: string | null = null;
  readonly #listeners = new Set<() => void>();
  readonly #changeListeners = new Set<ChangeListener>();
  readonly #lookups: Lookups;
  #collection = new TaskCollection();
  /** Events of tasks that are being looked up, by task. */
  readonly #pendingEvents = new Map<string, TaskEvent[]>();
  #id = 0;
  #epoch = "";
  /** The id of the oldest task down to which the list has no gap. */
  #oldestLoaded = "";
  #maxTasks = MAX_TASKS;
  #loading: Promise<void> | null = null;

  /** `ids`: only these tasks; null: all. */
  constructor(
    readonly connection: Connection,
    readonly server: Server,
    readonly ids: readonly string[] | null = null,
  ) {
    this.#lookups = new Lookups(server, connection.environment);
  }

  /** Return the list over a connection, created on first use. */
  static of(connection: Connection, server: Server, ids: readonly string[] | null = null): TaskListStore {
    const known = connection.shared.get(registryKey(ids)) as TaskListStore | undefined;
    return known ?? new TaskListStore(connection, server, ids).#register();
  }

  /** Return the list of all tasks if anything on the page follows it; null otherwise. */
  static known(connection: Connection): TaskListStore | null {
    return (connection.shared.get(registryKey(null)) as TaskListStore | undefined) ?? null;
  }

  /** The tasks, the important ones first (see `byImportance`). */
  get tasks(): readonly Snapshot[] {
    return this.#collection.tasks;
  }

  get status(): Status {
    return this.connection.status(this.#id);
  }

  /** Return a task's rate in units a second; null while unknown. */
  rate(task: Snapshot): number | null {
    return this.#collection.entries.get(task.id)?.rateMeter.rate(task, this.connection.now()) ?? null;
  }

  /** Call `changed` after every change. Returns a function that ends this. */
  subscribe(changed: () => void): () => void {
    return this.#addListener(this.#listeners, changed);
  }

  /** Call `change` for each `state`, `prompt`, `input` and `command` event, and for each task that ended or asked
   * something else while the connection was lost; not for the state at the start. Returns a function that ends this. */
  subscribeToChanges(change: ChangeListener): () => void {
    return this.#addListener(this.#changeListeners, change);
  }

  /** Load a page of older tasks. Calls during a request share it. Rejects with the server's message. */
  loadMore(): Promise<void> {
    this.#loading ??= this.#loadMore().finally(() => (this.#loading = null));
    return this.#loading;
  }

  /** Delete an ended task. Resolves with null, or with the reason for a refusal. `keepalive`: also if the page goes away. */
  async remove(id: string, keepalive = false): Promise<string | null> {
    const response = await this.server.fetch(path(id), { method: "DELETE", keepalive }).catch(() => null);
    if (!response) return "The server does not answer.";
    if (!response.ok && response.status !== 404) return errorMessageOf(response);
    this.#collection.drop(id);
    this.#notify();
    return null;
  }

  /** Take over what newer snapshots say of metrics: no event of the subscription does. */
  learnMetrics(tasks: readonly Snapshot[]): void {
    for (const [before, after] of this.#collection.setMetrics(tasks)) this.#emitChange(before, after);
    this.#notify();
  }

  restart(tasks: Snapshot[], more: boolean, cursor: string): void {
    const before = this.#collection.entries;
    this.#lookups.cancelAll();
    this.#collection = new TaskCollection();
    this.#pendingEvents.clear();
    [this.#epoch, this.more, this.isLoaded, this.refusal] = [epochOf(cursor), more, true, null];
    [this.#oldestLoaded, this.#maxTasks] = [tasks.at(-1)?.id ?? "", MAX_TASKS];
    for (const task of tasks) this.#collection.add(task);
    for (const task of tasks) this.#compare(before.get(task.id)?.task ?? null, task);
    for (const { task } of before.values()) if (!END_STATES.has(task.state)) this.#findMissing(task);
    if (more) this.#loadActive();
    this.#notify();
  }

  apply(events: TaskEvent[]): void {
    for (const event of events) this.#applyOne(event);
    this.#trim();
    this.#notify();
  }

  changed(): void {
    this.#notify();
    if (this.status !== "live" || this.#collection.size === 0) return;
    // Events do not say which tasks were deleted while the connection was lost. Ask, unless a restart, which is
    // delivered in this very turn of the event loop, replaces the whole list.
    const { generation } = this.#lookups;
    queueMicrotask(() => {
      if (generation === this.#lookups.generation) void this.#dropDeleted();
    });
  }

  refused(message: string): void {
    this.refusal = message;
    this.#notify();
  }

  hasActiveTasks(): boolean {
    return this.tasks.some((task) => !END_STATES.has(task.state));
  }

  #register(): this {
    this.connection.shared.set(registryKey(this.ids), this);
    return this;
  }

  get #hasListeners(): boolean {
    return this.#listeners.size + this.#changeListeners.size > 0;
  }

  #addListener<T>(listeners: Set<T>, listener: T): () => void {
    const isFirst = !this.#hasListeners;
    listeners.add(listener);
    if (isFirst) this.#start();
    return () => {
      if (listeners.delete(listener) && !this.#hasListeners) this.#stop();
    };
  }

  #start(): void {
    this.#register();
    const tasks = this.ids ? [...this.ids] : "*";
    this.#id = this.connection.subscribe({ tasks, types: TYPES }, this);
  }

  #stop(): void {
    this.connection.unsubscribe(this.#id);
    this.#lookups.cancelAll();
    const key = registryKey(this.ids);
    if (this.connection.shared.get(key) === this) this.connection.shared.delete(key);
  }

  #applyOne(event: TaskEvent): void {
    const pending = this.#pendingEvents.get(event.task);
    const entry = this.#collection.entries.get(event.task);
    if (pending) pending.push(event);
    else if (entry) this.#fold(entry, event);
    else if (isFirstEvent(event)) this.#fold(this.#collection.add(emptyTask(event.task)), event, null);
    else this.#lookUp(event.task, null, [event]);
  }

  #fold(entry: Entry, event: TaskEvent, before: Snapshot | null = entry.task): void {
    const after = this.#collection.fold(entry, event);
    if (after) this.#emitChange(before, after);
  }

  /** Report a task that was active before the connection was lost, and now has ended or asks something else. */
  #compare(before: Snapshot | null, after: Snapshot): void {
    if (!before || END_STATES.has(before.state)) return;
    const asksAnother = before.prompt?.prompt_id !== after.prompt?.prompt_id;
    if (END_STATES.has(after.state) || asksAnother) this.#emitChange(before, after);
  }

  /** Look up a task that was active and is not among the newest any more. */
  #findMissing(task: Snapshot): void {
    if (!this.#collection.entries.has(task.id)) this.#lookUp(task.id, task, []);
  }

  /** Get the snapshot of a task whose first event was not seen; hold its events back meanwhile. */
  #lookUp(id: string, before: Snapshot | null, events: TaskEvent[]): void {
    this.#pendingEvents.set(id, events);
    void this.#lookups.get<Snapshot>(path(id), (task) => this.#onFound(id, before, task));
  }

  #onFound(id: string, before: Snapshot | null, task: Snapshot | null): void {
    const pending = this.#pendingEvents.get(id) ?? [];
    this.#pendingEvents.delete(id);
    if (!task) return;
    const entry = this.#collection.add(task);
    // Events that the snapshot includes already are not folded again, but they may be news.
    const isNews = pending.some((event) => event.offset <= entry.folded && NEWS_TYPES.includes(event.type));
    if (isNews) this.#emitChange(before, task);
    else this.#compare(before, task);
    for (const event of pending) this.#fold(entry, event);
    this.#notify();
  }

  /** Load all active tasks, however old they are. */
  #loadActive(): void {
    for (const state of ["running", "queued"]) this.#loadOfState(`tasks?state=${state}&limit=${MAX_TASKS}`);
  }

  /** Load tasks up to a full page: a server that has to search for long answers with less, and where to go on. */
  #loadOfState(path: string, before = "", known = 0): void {
    const from = before && `&before=${encodeURIComponent(before)}`;
    void this.#lookups.get<TaskPage>(path + from, (page) => {
      this.#addNew(page?.tasks ?? []);
      const found = known + (page?.tasks.length ?? 0);
      if (page?.more && page.before && found < MAX_TASKS) this.#loadOfState(path, page.before, found);
    });
  }

  /** Add the tasks that are not known yet. The known ones are newer: the subscription delivers all their events. */
  #addNew(tasks: Snapshot[]): void {
    for (const task of tasks) {
      const isKnown = this.#collection.entries.has(task.id) || this.#pendingEvents.has(task.id);
      if (!isKnown) this.#collection.add(task);
    }
    this.#notify();
  }

  async #loadMore(): Promise<void> {
    const { generation } = this.#lookups;
    const before = encodeURIComponent(this.#oldestLoaded);
    const response = await this.server.fetch(`tasks?before=${before}&limit=${PAGE_SIZE}`);
    if (!response.ok) throw new Error(await errorMessageOf(response));
    const { tasks, more } = (await response.json()) as TaskPage;
    if (generation !== this.#lookups.generation) return;
    [this.more, this.#oldestLoaded] = [more, tasks.at(-1)?.id ?? this.#oldestLoaded];
    this.#addNew(tasks);
    this.#maxTasks = Math.max(this.#maxTasks, this.#collection.size);
  }

  /** Drop the tasks that were deleted on the server. */
  async #dropDeleted(): Promise<void> {
    const limit = Math.min(MAX_TASKS, this.#collection.size + PAGE_SIZE);
    await this.#lookups.get<TaskPage>(`tasks?limit=${limit}`, (page) => page && this.#keepOnly(page));
  }

  /** Drop the tasks that are missing in a page, as far as the page can know them: those not older than its oldest task,
   * and without an event after its cursor. */
  #keepOnly({ tasks, more, cursor }: TaskPage): void {
    if (epochOf(cursor) !== this.#epoch) return;
    const listed = new Set(tasks.map((task) => task.id));
    const [oldest, head] = [more ? (tasks.at(-1)?.id ?? "") : "", offsetOf(cursor)];
    for (const [id, { folded }] of this.#collection.entries) {
      if (id >= oldest && folded <= head && !listed.has(id)) this.#collection.drop(id);
    }
    this.#notify();
  }

  #trim(): void {
    if (this.ids) return;
    const oldest = this.#collection.trim(this.#maxTasks);
    if (oldest !== null) [this.more, this.#oldestLoaded] = [true, oldest];
  }

  #emitChange(before: Snapshot | null, after: Snapshot): void {
    for (const change of this.#changeListeners) change(before, after);
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

function path(id: string): string {
  return `tasks/${encodeURIComponent(id)}`;
}

function registryKey(ids: readonly string[] | null): string {
  return ids ? `tasks ${[...ids].sort().join(" ")}` : "tasks";
}
