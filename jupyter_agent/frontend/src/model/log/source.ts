/** Where a view of a log gets its lines from: the newest ones, or those of another place or level. */

import type { TaskStore } from "../task_store.js";
import type { Log } from "./log.js";

export interface Source {
  readonly log: Log;
  /** Number of events before the first line; null: some. */
  readonly earlier: number | null;
  /** Whether there are lines behind the last one. */
  readonly later: boolean;
  /** Reject with the server's message. */
  loadEarlier(): Promise<void>;
  loadLater(): Promise<void>;
  /** Release what it holds. Idempotent. */
  close(): void;
}

/** The log of a store: it ends with the newest line. */
export class NewestLines implements Source {
  readonly later = false;

  constructor(readonly store: TaskStore) {}

  get log(): Log {
    return this.store.log;
  }

  get earlier(): number {
    return this.store.earlier;
  }

  loadEarlier(): Promise<void> {
    return this.store.loadEarlier();
  }

  loadLater(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {}
}
