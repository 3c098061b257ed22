/** Backfill: past events loaded before live ones, with no event lost or doubled. */

import type { TaskEvent } from "../net/types.js";

/** A store that takes events in the order of their offsets and skips those it has. */
export interface EventStore {
  add(event: TaskEvent): void;
  clear(): void;
}

/** Keeps a store empty until its content is needed; then loads the past and holds live events back meanwhile. */
export class Backfill {
  /** Why the past could not be loaded; null without an error. */
  error: string | null = null;
  #state: "idle" | "loading" | "live" = "idle";
  #pending: TaskEvent[] = [];
  /** Incremented by `clear`: an answer of an earlier generation is discarded. */
  #generation = 0;

  constructor(
    readonly store: EventStore,
    readonly types: readonly string[],
  ) {}

  /** Add a live event. */
  add(event: TaskEvent): void {
    if (!this.types.includes(event.type)) return;
    if (this.#state === "live") this.store.add(event);
    else if (this.#state === "loading") this.#pending.push(event);
  }

  /** Load the past from `pages`, oldest first, and call `changed` as it arrives. Does nothing while loading or live. */
  async load(pages: () => AsyncIterable<TaskEvent[]>, changed: () => void): Promise<void> {
    if (this.#state !== "idle") return;
    const generation = this.#generation;
    this.#state = "loading";
    this.error = null;
    try {
      for await (const events of pages()) {
        if (generation !== this.#generation) return;
        for (const event of events) this.store.add(event);
        changed();
      }
      this.#goLive(generation);
    } catch (error) {
      this.#fail(generation, error);
    }
    changed();
  }

  /** Start over, empty. */
  clear(): void {
    this.store.clear();
    this.#generation += 1;
    this.#state = "idle";
    this.#pending = [];
  }

  #goLive(generation: number): void {
    if (generation !== this.#generation) return;
    this.#state = "live";
    // After the past: the store skips those of the pending events that the last page had already.
    for (const event of this.#pending) this.store.add(event);
    this.#pending = [];
  }

  /** Start over: the next `load` tries again, from the beginning. */
  #fail(generation: number, error: unknown): void {
    if (generation !== this.#generation) return;
    this.clear();
    this.error = error instanceof Error ? error.message : String(error);
  }
}
