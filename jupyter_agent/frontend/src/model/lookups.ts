/** HTTP lookups beside the subscription: retried while the server fails, cancelled all at once. */

import { isTemporary, type Server } from "../net/server.js";
import type { Snapshot } from "../net/types.js";
import type { Environment } from "../net/environment.js";

const MAX_ATTEMPTS = 5;
/** Seconds between two attempts. */
const RETRY_DELAY = 2;

export interface TaskPage {
  tasks: Snapshot[];
  more: boolean;
  cursor: string;
  /** Where a search that took long has ended, and goes on: the page may be short, or without tasks. */
  before?: string;
}

export class Lookups {
  /** Incremented by `cancelAll`: an answer of an earlier generation is discarded. */
  generation = 0;

  constructor(
    readonly server: Server,
    readonly environment: Environment,
  ) {}

  /** Discard every answer that is still under way. */
  cancelAll(): void {
    this.generation += 1;
  }

  /** GET a path; call `onFound` once with the answer: null when there is none, or no server that gives it. */
  async get<T>(path: string, onFound: (found: T | null) => void): Promise<void> {
    const generation = this.generation;
    const found = await this.#fetchWithRetries<T>(path, generation);
    if (generation === this.generation) onFound(found);
  }

  async #fetchWithRetries<T>(path: string, generation: number): Promise<T | null> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS && generation === this.generation; attempt += 1) {
      if (attempt > 0) await new Promise<void>((resolve) => this.environment.setTimer(RETRY_DELAY, resolve));
      const answer = await this.#fetchOnce<T>(path);
      if (answer !== undefined) return answer;
    }
    return null;
  }

  /** Return undefined when there was no answer, or only a part of one. */
  async #fetchOnce<T>(path: string): Promise<T | null | undefined> {
    try {
      const response = await this.server.fetch(path);
      if (response.ok) return (await response.json()) as T;
      return isTemporary(response) ? undefined : null;
    } catch {
      return undefined;
    }
  }
}
