/** What is asked of a server by HTTP beside the subscription: again when it does not answer, never in vain. */

import type { Server } from "../net/server.js";
import type { Snapshot } from "../net/types.js";
import type { World } from "../net/environment.js";

const TRIES = 5;
/** Seconds between two tries. */
const PAUSE = 2;

export interface Page {
  tasks: Snapshot[];
  more: boolean;
  cursor: string;
}

/** null: there is no such thing. */
export type Found<T> = T | null;

export class Questions {
  /** Moves when every answer that is under way has become pointless. */
  turn = 0;

  constructor(
    readonly server: Server,
    readonly world: World,
  ) {}

  /** Nobody waits for the answers any more. */
  forget(): void {
    this.turn += 1;
  }

  /** GET a path; `learn` hears the answer once, with null when there is none to be had. */
  async ask<T>(path: string, learn: (found: Found<T>) => void): Promise<void> {
    const turn = this.turn;
    const found = await this.#find<T>(path, turn);
    if (turn === this.turn) learn(found);
  }

  async #find<T>(path: string, turn: number): Promise<Found<T>> {
    for (let tries = 0; tries < TRIES && turn === this.turn; tries += 1) {
      if (tries > 0) await new Promise<void>((resolve) => this.world.later(PAUSE, resolve));
      const answer = await this.#once<T>(path);
      if (answer !== undefined) return answer;
    }
    return null;
  }

  /** undefined: no answer this time, or only a part of one. */
  async #once<T>(path: string): Promise<Found<T> | undefined> {
    try {
      const response = await this.server.fetch(path);
      if (response.ok) return await response.json();
      return response.status < 500 ? null : undefined;
    } catch {
      return undefined;
    }
  }
}
