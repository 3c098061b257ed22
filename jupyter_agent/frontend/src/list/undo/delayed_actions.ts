/** Actions that can be undone: they wait some seconds in the page, and are carried out at once when it goes away. */

import { nameOf, toSingleLine } from "../../model/format.js";
import type { Connection } from "../../net/connection.js";
import type { Environment, Timer } from "../../net/environment.js";
import type { Snapshot } from "../../net/types.js";

/** Seconds in which an action can be undone. */
const UNDO_TIME = 8;
/** Seconds that its success stays on the screen; a refusal stays until it is dismissed. */
const SUCCESS_TIME = 5;
/** Requests at a time. */
const PARALLEL = 6;

/** What an action is about: a task, or something else with an id and a name. */
export interface Named {
  readonly id: string;
  readonly name: string;
}

export interface DelayedAction<T extends Named = Snapshot> {
  readonly verb: "delete" | "cancel";
  readonly tasks: readonly T[];
  /** Do it for one task. Resolves with null, or with the reason for a refusal. `leaving`: the page goes away. */
  run(task: T, leaving: boolean): Promise<string | null>;
}

interface Waiting<T extends Named> extends DelayedAction<T> {
  readonly due: number;
  readonly timer: Timer;
}

/** What to show: the action that waits, and how the last one went. */
export interface UndoState<T extends Named = Snapshot> {
  readonly waiting: DelayedAction<T> | null;
  /** Seconds until it is carried out. */
  readonly left: number;
  readonly outcome: string;
}

export class DelayedActions<T extends Named = Snapshot> {
  readonly #listeners = new Set<() => void>();
  /** Tasks whose deletion waits, is under way, or is done. */
  readonly #gone = new Set<string>();
  #waiting: Waiting<T> | null = null;
  #outcome = "";
  /** Whether the outcome stays until it is dismissed. */
  #stays = false;
  #outcomeTimer: Timer = null;

  constructor(private readonly environment: Environment) {}

  /** Return the actions over a connection, created on first use: all lists of the page show the same. */
  static of(connection: Connection): DelayedActions {
    const known = connection.shared.get("delayed actions") as DelayedActions | undefined;
    const actions = known ?? new DelayedActions(connection.environment);
    connection.shared.set("delayed actions", actions);
    return actions;
  }

  get state(): UndoState<T> {
    const left = this.#waiting ? Math.max(0, this.#waiting.due - this.environment.now()) : 0;
    return { waiting: this.#waiting, left, outcome: this.#outcome };
  }

  /** Return whether a list leaves the task out. */
  isGone(id: string): boolean {
    return this.#gone.has(id);
  }

  subscribe(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => void this.#listeners.delete(changed);
  }

  /** Let an action wait. One that waits already is carried out. */
  start(action: DelayedAction<T>): void {
    this.doNow();
    const timer = this.environment.setTimer(UNDO_TIME, () => this.doNow());
    this.#waiting = { ...action, due: this.environment.now() + UNDO_TIME, timer };
    if (action.verb === "delete") for (const { id } of action.tasks) this.#gone.add(id);
    window.addEventListener("pagehide", this.#onPageHide);
    this.#setOutcome("");
  }

  undo(): void {
    for (const { id } of this.#take()?.tasks ?? []) this.#gone.delete(id);
    this.#notify();
  }

  /** Carry out what waits. */
  readonly doNow = (): void => void this.#carryOut(false);

  dismiss(): void {
    this.#setOutcome("");
  }

  readonly #onPageHide = (): void => void this.#carryOut(true);

  #take(): Waiting<T> | null {
    const waiting = this.#waiting;
    if (waiting) this.environment.clearTimer(waiting.timer);
    this.#waiting = null;
    window.removeEventListener("pagehide", this.#onPageHide);
    return waiting;
  }

  async #carryOut(leaving: boolean): Promise<void> {
    const action = this.#take();
    if (!action) return;
    this.#notify();
    const refusals = new Map<T, string>();
    await inParallel(action.tasks, leaving ? action.tasks.length : PARALLEL, async (task) => {
      const refusal = await action.run(task, leaving);
      if (refusal !== null) refusals.set(task, refusal);
    });
    for (const { id } of refusals.keys()) this.#gone.delete(id);
    // A success takes no refusal's place that is not dismissed.
    if (refusals.size === 0 && this.#stays) return this.#notify();
    this.#setOutcome(outcomeOf(action, refusals), refusals.size === 0);
  }

  #setOutcome(text: string, passes = false): void {
    this.environment.clearTimer(this.#outcomeTimer);
    this.#outcome = text;
    this.#stays = text !== "" && !passes;
    if (passes) this.#outcomeTimer = this.environment.setTimer(SUCCESS_TIME, () => this.#setOutcome(""));
    this.#notify();
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

async function inParallel<T>(
  items: readonly T[],
  width: number,
  job: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await job(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

/** Return "crawl", or "12 tasks". */
export function describeTasks(tasks: readonly Named[]): string {
  return tasks.length === 1 ? nameOf(tasks[0]!) : `${tasks.length} tasks`;
}

function outcomeOf<T extends Named>(
  { verb, tasks }: DelayedAction<T>,
  refusals: ReadonlyMap<T, string>,
): string {
  const past = verb === "delete" ? "Deleted" : "Asked to cancel";
  if (refusals.size === 0) return verb === "delete" ? `Deleted ${describeTasks(tasks)}.` : "";
  const reasons = [...new Set(refusals.values())].map(toSingleLine).join("; ");
  if (tasks.length === 1) return `Not ${verb === "delete" ? "deleted" : "cancelled"}: ${reasons}`;
  return `${past} ${tasks.length - refusals.size} of ${tasks.length} tasks. The others: ${reasons}`;
}
