/** The list of tasks, a file of the server's that is loaded when the first list is shown. */

import { loadModule } from "../element/lazy_modules.js";
import type { TasksElement } from "../list/index.js";
import type { Server } from "../net/server.js";

/** Return a new list of a server's tasks. Rejects when the server does not deliver the module. */
export async function createList(server: Server): Promise<TasksElement> {
  await loadModule(server, "list.js");
  return Object.assign(document.createElement("jupyter-agent-tasks"), { server });
}
