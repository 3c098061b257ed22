/** The form that runs, schedules and edits: a file of the server, loaded when it is first asked for. */

import { loadModule } from "../element/lazy_modules.js";
import type { Server } from "../net/server.js";
import type { RunOptions, RunOutcome } from "./run_options.js";

interface RunModule {
  openRunForm(server: Server, options: RunOptions): Promise<RunOutcome | null>;
}

/** Show the form above the page. Resolves with what it did; null when it was closed. Rejects when the server does not
 * deliver it. */
export async function openRunForm(server: Server, options: RunOptions = {}): Promise<RunOutcome | null> {
  const module = (await loadModule(server, "run.js")) as RunModule;
  return module.openRunForm(server, options);
}
