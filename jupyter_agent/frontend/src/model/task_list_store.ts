/** The tasks of a server, live: all of them, or some that are named. */

import type { Connection, Listener } from "../net/connection.js";
import { epochOf, offsetOf } from "../net/cursor.js";
import { refusalOf, type Server } from "../net/server.js";
import type { Snapshot, Status, TaskEvent } from "../net/types.js";
import { applyEvent, emptyTask, ENDED } from "./reducer.js";
import { byImportance } from "./sort.js";
import { type Found, type Page, Questions } from "./lookups.js";
import { Speed } from "./rate.js";

/** Logs and metrics are not among them, so a task's counts of events and logs stay behind. */
const TYPES = ["state", "progress", "prompt", "input", "command"];
/** What is told of a task that was not known, and what is told of those that are, and may change their order. */
const STORY: readonly string[] = ["state", "prompt"];
const TOLD: readonly string[] = [...STORY, "input", "command"];
/** Tasks that are kept; the oldest ended ones go first. */
const MOST = 1000;
const PAGE = 100;

export type Change = (before: Snapshot | null, after: Snapshot) => void;

interface Entry {
  /** Never changed in place: another state is another object. */
  task: Snapshot;
  /** The offset of the last event that is in the snapshot. */
  folded: number;
  readonly speed: Speed;
}

export class TaskList implements Listener {
  /** Whether the server has older tasks. */
  more = false;
  /** Whether the server has told its tasks. */
  known = false;
  /** Why the server will not tell; null while it does. */
  refusal: string | null = null;
  readonly #watchers = new Set<() => void>();
  readonly #changes = new Set<Change>();
  readonly #questions: Questions;
  #entries = new Map<string, Entry>();
  /** Events of tasks that the server is being asked about. */
  #held = new Map<string, TaskEvent[]>();
  #sorted: Entry[] | null = null;
  #tasks: Snapshot[] | null = null;
  #id = 0;
  #epoch = "";
  /** The oldest task up to which there is no gap. */
  #oldest = "";
  #most = MOST;
  #loading: Promise<void> | null = null;

  /** `ids`: only these; null: all. */
  constructor(
    readonly connection: Connection,
    readonly server: Server,
    readonly ids: readonly string[] | null = null,
  ) {
    this.#questions = new Questions(server, connection.world);
  }

  /** The list over a connection, made when first asked for. */
  static of(connection: Connection, server: Server, ids: readonly string[] | null = null): TaskList {
    const name = nameOf(ids);
    const known = connection.shared.get(name) as TaskList | undefined;
    return known ?? new TaskList(connection, server, ids).#enroll();
  }

  /** The tasks, the important ones first (see `byImportance`). */
  get tasks(): readonly Snapshot[] {
    this.#sorted ??= [...this.#entries.values()].sort((one, other) => byImportance(one.task, other.task));
    this.#tasks ??= this.#sorted.map((entry) => entry.task);
    return this.#tasks;
  }

  get status(): Status {
    return this.connection.status(this.#id);
  }

  /** Units a second of a task; null when not known. */
  rate(task: Snapshot): number | null {
    return this.#entries.get(task.id)?.speed.rate(task, this.connection.now()) ?? null;
  }

  /** Call `changed` after every change. Returns what stops it. */
  watch(changed: () => void): () => void {
    return this.#join(this.#watchers, changed);
  }

  /** Call `change` for each `state`, `prompt`, `input` and `command` as it comes, and for each task that ended, or asks something
   * else, unseen: not for what was so when the list began. Returns what stops it. */
  watchChanges(change: Change): () => void {
    return this.#join(this.#changes, change);
  }

  /** Get older tasks. Rejects with the server's sentence. */
  loadMore(): Promise<void> {
    this.#loading ??= this.#loadMore().finally(() => (this.#loading = null));
    return this.#loading;
  }

  /** Forget an ended task. Resolves with null, or with the sentence that says why not. */
  async remove(id: string): Promise<string | null> {
    const response = await this.server.fetch(path(id), { method: "DELETE" }).catch(() => null);
    if (!response) return "The server does not answer.";
    if (!response.ok && response.status !== 404) return refusalOf(response);
    this.#drop(id);
    this.#tell();
    return null;
  }

  restart(tasks: Snapshot[], more: boolean, cursor: string): void {
    const before = this.#entries;
    this.#questions.forget();
    this.#entries = new Map();
    this.#held.clear();
    [this.#epoch, this.more, this.known, this.refusal] = [epochOf(cursor), more, true, null];
    [this.#oldest, this.#most] = [tasks.at(-1)?.id ?? "", MOST];
    for (const task of tasks) this.#add(task);
    for (const task of tasks) this.#compare(before.get(task.id)?.task ?? null, task);
    for (const { task } of before.values()) if (!ENDED.has(task.state)) this.#lookFor(task);
    if (more) this.#findActive();
    this.#tell();
  }

  apply(events: TaskEvent[]): void {
    for (const event of events) this.#take(event);
    this.#trim();
    this.#tell();
  }

  changed(): void {
    this.#tell();
    // With an answer that goes on at a cursor nobody says which tasks were deleted meanwhile.
    if (this.status !== "live" || this.#entries.size === 0) return;
    const still = this.#questions.turn;
    queueMicrotask(() => still === this.#questions.turn && void this.#verify());
  }

  refused(message: string): void {
    this.refusal = message;
    this.#tell();
  }

  #enroll(): this {
    this.connection.shared.set(nameOf(this.ids), this);
    return this;
  }

  #join<T>(watchers: Set<T>, watcher: T): () => void {
    const first = this.#watchers.size + this.#changes.size === 0;
    watchers.add(watcher);
    if (first) this.#begin();
    return () => {
      if (watchers.delete(watcher) && this.#watchers.size + this.#changes.size === 0) this.#rest();
    };
  }

  #begin(): void {
    this.#enroll();
    const tasks = this.ids ? [...this.ids] : "*";
    this.#id = this.connection.follow({ tasks, types: TYPES }, this);
  }

  #rest(): void {
    this.connection.leave(this.#id);
    this.#questions.forget();
    const name = nameOf(this.ids);
    if (this.connection.shared.get(name) === this) this.connection.shared.delete(name);
  }

  #take(event: TaskEvent): void {
    const held = this.#held.get(event.task);
    const entry = this.#entries.get(event.task);
    if (held) held.push(event);
    else if (entry) this.#fold(entry, event);
    else if (begins(event)) this.#fold(this.#add(emptyTask(event.task)), event, null);
    else this.#ask(event.task, null, [event]);
  }

  #fold(entry: Entry, event: TaskEvent, before: Snapshot | null = entry.task): void {
    if (event.offset <= entry.folded) return;
    const after = { ...entry.task };
    applyEvent(after, event);
    if (after.attempt !== entry.task.attempt) entry.speed.clear();
    if (event.type === "progress") entry.speed.add(event.time, after.progress?.done ?? null);
    [entry.task, entry.folded, this.#tasks] = [after, event.offset, null];
    if (!TOLD.includes(event.type)) return;
    this.#sorted = null;
    this.#say(before, after);
  }

  #add(task: Snapshot): Entry {
    const entry = { task, folded: offsetOf(task.cursor), speed: new Speed() };
    if (task.progress) entry.speed.add(task.updated ?? 0, task.progress.done);
    this.#entries.set(task.id, entry);
    this.#sorted = this.#tasks = null;
    return entry;
  }

  #drop(id: string): void {
    this.#entries.delete(id);
    this.#sorted = this.#tasks = null;
  }

  /** A task that ran when the list last heard of it, and now has ended, or asks something else. */
  #compare(before: Snapshot | null, after: Snapshot): void {
    if (!before || ENDED.has(before.state)) return;
    if (ENDED.has(after.state) || before.prompt?.prompt_id !== after.prompt?.prompt_id)
      this.#say(before, after);
  }

  /** A task that ran, and is not among the newest any more. */
  #lookFor(task: Snapshot): void {
    if (!this.#entries.has(task.id)) this.#ask(task.id, task, []);
  }

  /** Of a task whose beginning was not seen the server knows more. What is told meanwhile is held back. */
  #ask(id: string, before: Snapshot | null, events: TaskEvent[]): void {
    this.#held.set(id, events);
    void this.#questions.ask<Snapshot>(path(id), (task) => this.#learn(id, before, task));
  }

  #learn(id: string, before: Snapshot | null, task: Found<Snapshot>): void {
    const held = this.#held.get(id) ?? [];
    this.#held.delete(id);
    if (!task) return;
    const entry = this.#add(task);
    const told = held.some((event) => event.offset <= entry.folded && STORY.includes(event.type));
    if (told) this.#say(before, task);
    else this.#compare(before, task);
    for (const event of held) this.#fold(entry, event);
    this.#tell();
  }

  /** What runs is shown, however old it is. */
  #findActive(): void {
    for (const state of ["running", "queued"]) {
      void this.#questions.ask<Page>(`tasks?state=${state}&limit=${MOST}`, (page) =>
        this.#addNew(page?.tasks ?? []),
      );
    }
  }

  /** Of tasks that are known the subscription tells all, in order. */
  #addNew(tasks: Snapshot[]): void {
    for (const task of tasks) if (!this.#entries.has(task.id) && !this.#held.has(task.id)) this.#add(task);
    this.#tell();
  }

  async #loadMore(): Promise<void> {
    const turn = this.#questions.turn;
    const response = await this.server.fetch(
      `tasks?before=${encodeURIComponent(this.#oldest)}&limit=${PAGE}`,
    );
    if (!response.ok) throw new Error(await refusalOf(response));
    const { tasks, more }: Page = await response.json();
    if (turn !== this.#questions.turn) return;
    [this.more, this.#oldest] = [more, tasks.at(-1)?.id ?? this.#oldest];
    this.#addNew(tasks);
    this.#most = Math.max(this.#most, this.#entries.size);
  }

  /** Find out which tasks are there no more. */
  async #verify(): Promise<void> {
    const limit = Math.min(MOST, this.#entries.size + PAGE);
    await this.#questions.ask<Page>(`tasks?limit=${limit}`, (page) => page && this.#keepOnly(page));
  }

  #keepOnly({ tasks, more, cursor }: Page): void {
    if (epochOf(cursor) !== this.#epoch) return;
    const there = new Set(tasks.map((task) => task.id));
    const [oldest, head] = [more ? (tasks.at(-1)?.id ?? "") : "", offsetOf(cursor)];
    for (const [id, { folded }] of this.#entries) {
      if (id >= oldest && folded <= head && !there.has(id)) this.#drop(id);
    }
    this.#tell();
  }

  /** Drop ended tasks when there are too many, a tenth more than needed, so that it is done seldom. */
  #trim(): void {
    const surplus = this.#entries.size - this.#most;
    if (this.ids || surplus <= this.#most * 0.1) return;
    const ended = this.tasks.filter((task) => ENDED.has(task.state));
    const gone = ended.slice(Math.max(0, ended.length - surplus));
    for (const task of gone) this.#drop(task.id);
    if (gone.length > 0) [this.more, this.#oldest] = [true, ended.at(-gone.length - 1)?.id ?? gone[0]!.id];
  }

  #say(before: Snapshot | null, after: Snapshot): void {
    for (const change of this.#changes) change(before, after);
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

function path(id: string): string {
  return `tasks/${encodeURIComponent(id)}`;
}

function nameOf(ids: readonly string[] | null): string {
  return ids ? `tasks ${[...ids].sort().join(" ")}` : "tasks";
}

/** Whether a task's story begins with this event. */
function begins({ type, attempt, data, flag }: TaskEvent): boolean {
  return (
    type === "state" && attempt === 1 && flag !== "bad_data" && data.state === "queued" && Boolean(data.about)
  );
}
