/** The workers of the server's machine: asked for when a detached task changes its state, and at no other time. */

import { html, nothing, type TemplateResult } from "lit";
import { END_STATES } from "../model/reducer.js";
import type { Connection } from "../net/connection.js";
import type { Server } from "../net/server.js";
import type { Snapshot } from "../net/types.js";

/** Milliseconds between two requests. */
const INTERVAL = 1000;

interface Workers {
  running: number;
  limit: number;
  waiting: number;
}

export class WorkerUsage {
  #workers: Workers | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isStale = false;
  /** Whether the server has been asked. */
  #isKnown = false;
  readonly #listeners = new Set<() => void>();
  readonly #server: Server;

  /** Return the one of a connection, which all lists of a page share. */
  static of(connection: Connection, server: Server): WorkerUsage {
    const known = connection.shared.get("workers") as WorkerUsage | undefined;
    const usage = known ?? new WorkerUsage(server);
    connection.shared.set("workers", usage);
    return usage;
  }

  constructor(server: Server) {
    this.#server = server;
  }

  /** Follow the workers until the function that is returned is called. */
  subscribe(changed: () => void): () => void {
    this.#listeners.add(changed);
    if (this.#isKnown && this.#listeners.size === 1) this.refresh(); // no list has asked meanwhile
    return () => void this.#listeners.delete(changed);
  }

  /** A task has changed: ask again if that may have changed the workers. */
  taskChanged(before: Snapshot | null, after: Snapshot): void {
    if (after.on === "detached" && before?.state !== after.state) this.refresh();
  }

  /** Ask the server now, or as soon as it may be asked again. */
  refresh(): void {
    this.#isKnown = this.#isStale = true;
    if (this.#timer !== null || this.#listeners.size === 0) return;
    this.#isStale = false;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#isStale) this.refresh();
    }, INTERVAL);
    void this.#ask();
  }

  async #ask(): Promise<void> {
    const response = await this.#server.fetch("health").catch(() => null);
    if (!response?.ok) return;
    const found = await (response.json() as Promise<{ workers?: Workers }>).catch(() => null);
    if (!found) return;
    this.#workers = found.workers ?? null;
    for (const changed of this.#listeners) changed();
  }

  /** The words in the tools of a list; nothing while no worker is in use. */
  get line(): TemplateResult | typeof nothing {
    const text = workersText(this.#workers);
    return text
      ? html`<span class="jal-workers" title="Workers run detached tasks. c.JupyterAgent.worker_limit says how many at once.">${text}</span>`
      : nothing;
  }

  /** Return the tasks, those that wait for a worker with that as what they wait for, where the server has not said it.
   * The first detached task that has not ended has the server asked about its workers. */
  explained(tasks: readonly Snapshot[]): readonly Snapshot[] {
    const isDetached = ({ on, state }: Snapshot) => on === "detached" && !END_STATES.has(state);
    if (!this.#isKnown && tasks.some(isDetached)) this.refresh();
    const { running = 0, limit = 1 } = this.#workers ?? {};
    if (running < limit) return tasks;
    const busy = limit === 1 ? "the worker is busy" : `all ${limit} workers are busy`;
    const waiting = { why: "workers", text: `waits for a worker: ${busy}`, until: null };
    return tasks.map((task) => {
      const isWaiting = task.state === "queued" && isDetached(task) && !task.reason && !task.waiting;
      return isWaiting ? { ...task, waiting } : task;
    });
  }
}

export function workersText(workers: Workers | null): string {
  if (!workers || workers.running + workers.waiting === 0) return "";
  const { running, limit, waiting } = workers;
  return `Workers ${running}/${limit}${waiting ? ` · ${waiting} waiting` : ""}`;
}
