/** Loads the log's element from the server, once for the page; a failure is tried again after a while. */

import type { Server } from "../net/server.js";
import { loadLog } from "./lazy_modules.js";

const NAME = "jupyter-agent-log";
/** Milliseconds after which a failed load is tried again. */
const RETRY_DELAY = 5000;

export class LogLoader {
  /** Why there is no log; empty without an error. */
  error = "";
  #isLoading = false;
  #retryAt = 0;

  /** `changed`: called when it is loaded, or cannot be. */
  constructor(readonly changed: () => void) {}

  /** Whether logs can be drawn. */
  get isReady(): boolean {
    return customElements.get(NAME) !== undefined;
  }

  /** Load the element unless it is there. */
  load(server: Server | null): void {
    if (!server || this.isReady || this.#isLoading || performance.now() < this.#retryAt) return;
    this.#isLoading = true;
    void this.#load(server).finally(() => {
      this.#isLoading = false;
      this.changed();
    });
  }

  async #load(server: Server): Promise<void> {
    try {
      await loadLog(server);
      this.error = "";
    } catch (error) {
      this.error = `The log cannot be drawn: ${error instanceof Error ? error.message : String(error)}`;
      this.#retryAt = performance.now() + RETRY_DELAY;
    }
  }
}
