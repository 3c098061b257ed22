/** Commands that were sent and have no reply yet. */

import type { Reply } from "./types.js";

const LOST = "The connection was lost before the server answered.";

export class PendingCommands {
  readonly #resolvers = new Map<number, (reply: Reply) => void>();

  add(id: number, resolve: (reply: Reply) => void): void {
    this.#resolvers.set(id, resolve);
  }

  /** Settle the command that a reply is for; no other reply counts. */
  settle(reply: Reply): void {
    this.#resolvers.get(reply.id)?.(reply);
    this.#resolvers.delete(reply.id);
  }

  /** Refuse all: their replies cannot come any more. */
  lose(): void {
    for (const id of [...this.#resolvers.keys()]) this.settle({ id, ok: false, message: LOST });
  }
}
