/** What happened before the page was there, put before what comes live, with no event lost or doubled. */

import type { TaskEvent } from "../net/types.js";

/** A store that takes events in the order of their offsets and skips those that it has. */
export interface Store {
  add(event: TaskEvent): void;
  clear(): void;
}

/** Keeps a store empty until somebody wants it; then loads the past, holding back what comes meanwhile. */
export class Backfill {
  /** Why the past could not be had; null when nothing went wrong. */
  trouble: string | null = null;
  #state: "idle" | "loading" | "live" = "idle";
  #held: TaskEvent[] = [];
  /** Moves when everything starts over, so that an old answer is known as such. */
  #turn = 0;

  constructor(
    readonly store: Store,
    readonly types: readonly string[],
  ) {}

  /** A live event. */
  add(event: TaskEvent): void {
    if (!this.types.includes(event.type)) return;
    if (this.#state === "live") this.store.add(event);
    else if (this.#state === "loading") this.#held.push(event);
  }

  /** Load the past from `pages`, oldest first, unless that was done; `changed` is called as it arrives. */
  async want(pages: () => AsyncIterable<TaskEvent[]>, changed: () => void): Promise<void> {
    if (this.#state !== "idle") return;
    const turn = this.#turn;
    this.#state = "loading";
    this.trouble = null;
    try {
      for await (const events of pages()) {
        if (turn !== this.#turn) return;
        for (const event of events) this.store.add(event);
        changed();
      }
      this.#goLive(turn);
    } catch (error) {
      this.#giveUp(turn, error);
    }
    changed();
  }

  /** Start over, empty. */
  clear(): void {
    this.store.clear();
    this.#turn += 1;
    this.#state = "idle";
    this.#held = [];
  }

  #goLive(turn: number): void {
    if (turn !== this.#turn) return;
    this.#state = "live";
    for (const event of this.#held) this.store.add(event);
    this.#held = [];
  }

  /** The next wish tries again, from the beginning. */
  #giveUp(turn: number, error: unknown): void {
    if (turn !== this.#turn) return;
    this.clear();
    this.trouble = error instanceof Error ? error.message : String(error);
  }
}
