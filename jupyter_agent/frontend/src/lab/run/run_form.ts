/** The form above JupyterLab, and what is shown once it is done. */

import { Notification } from "@jupyterlab/apputils";
import type { Server } from "../../net/server.js";
import type { Snapshot } from "../../net/types.js";
import { openRunForm } from "../../screens/run_form.js";
import type { RunOptions } from "../../screens/run_options.js";

export class RunForm {
  readonly #server: Server;
  readonly #openTask: (task: Snapshot) => void;
  readonly #showSchedules: () => void;

  constructor(server: Server, openTask: (task: Snapshot) => void, showSchedules: () => void) {
    this.#server = server;
    this.#openTask = openTask;
    this.#showSchedules = showSchedules;
  }

  /** Show the form; then the task or the schedules. */
  async open(options: RunOptions = {}): Promise<void> {
    try {
      const outcome = await openRunForm(this.#server, options);
      if (outcome && "task" in outcome) this.#openTask(outcome.task);
      else if (outcome) this.#showSchedules();
    } catch (error) {
      Notification.error(`The form could not be shown: ${String(error)}`, { autoClose: 5000 });
    }
  }
}
