/** Which tasks of a list have metrics: a list does not get them, and asks about those that could be compared. */

import type { Snapshot } from "../net/types.js";
import { END_STATES } from "./reducer.js";
import { isComparable } from "./sweeps.js";
import type { TaskListStore } from "./task_list_store.js";

/** Seconds between two requests. */
const INTERVAL = 5;
/** Maximum seconds between two requests about one running task: it is asked about again after as long as it has run. */
const MAX_INTERVAL = 60;
/** Maximum number of tasks in a request. */
const MAX_TASKS = 200;

export class MetricFacts {
  /** The server's time from which on to ask about a task that may have metrics by then. */
  readonly #due = new Map<string, number>();
  #followers = 0;
  #isPlanned = false;
  #stop = () => {};

  /** Return the one of a list, which all its readers share. */
  static of(list: TaskListStore): MetricFacts {
    const { shared } = list.connection;
    const known = shared.get("metric facts") as MetricFacts | undefined;
    const facts = known?.list === list ? known : new MetricFacts(list);
    shared.set("metric facts", facts);
    return facts;
  }

  constructor(readonly list: TaskListStore) {}

  /** Keep the list's knowledge of metrics up to date. Returns a function that ends this. */
  follow(): () => void {
    if ((this.#followers += 1) === 1) this.#start();
    return () => {
      if ((this.#followers -= 1) === 0) this.#stop();
    };
  }

  #start(): void {
    for (const task of this.list.tasks) if (!END_STATES.has(task.state)) this.#expect(task);
    this.#stop = this.list.subscribeToChanges((before, after) => {
      if (before?.state !== after.state) this.#expect(after);
    });
  }

  /** Ask about a task that runs, or has just ended, unless it can be compared without its metrics. */
  #expect(task: Snapshot): void {
    if (isComparable(task) || task.state === "queued") return void this.#due.delete(task.id);
    this.#due.set(task.id, this.#now);
    this.#plan();
  }

  get #now(): number {
    return this.list.connection.now();
  }

  #plan(): void {
    if (this.#isPlanned || this.#due.size === 0 || this.#followers === 0) return;
    this.#isPlanned = true;
    this.list.connection.environment.setTimer(INTERVAL, () => {
      this.#isPlanned = false;
      this.#ask();
      this.#plan();
    });
  }

  #ask(): void {
    const { connection } = this.list;
    const tasks = this.#followers > 0 && connection.live ? this.#dueTasks() : [];
    if (tasks.length === 0) return;
    const id = connection.subscribe(
      { tasks, types: ["state"] },
      {
        restart: (found) => {
          connection.unsubscribe(id);
          this.#learn(found);
        },
        apply() {},
        changed() {},
        refused: () => connection.unsubscribe(id),
      },
    );
    for (const task of tasks) this.#due.set(task, this.#now + MAX_INTERVAL); // until there is an answer
  }

  /** The tasks that are due, and that another one could be compared with: of the same name, or with the same tag. */
  #dueTasks(): string[] {
    const { tasks } = this.list;
    const number = new Map<string, number>();
    for (const key of tasks.flatMap(keysOf)) number.set(key, (number.get(key) ?? 0) + 1);
    const isDue = (task: Snapshot) => (this.#due.get(task.id) ?? Infinity) <= this.#now;
    const isOneOfSeveral = (task: Snapshot) => keysOf(task).some((key) => number.get(key)! > 1);
    return tasks
      .filter((task) => isDue(task) && isOneOfSeveral(task))
      .slice(0, MAX_TASKS)
      .map(({ id }) => id);
  }

  #learn(tasks: readonly Snapshot[]): void {
    this.list.learnMetrics(tasks);
    for (const task of tasks) {
      if (isComparable(task) || END_STATES.has(task.state)) this.#due.delete(task.id);
      else
        this.#due.set(task.id, this.#now + Math.min(MAX_INTERVAL, this.#now - (task.started ?? this.#now)));
    }
  }
}

function keysOf({ name, tags }: Snapshot): string[] {
  return [`name ${name}`, ...new Set(tags.map((tag) => `tag ${tag}`))];
}
