/** Going from a traceback to its line in a notebook. */

import { cellAddress } from "../model/traceback.js";
import type { Server } from "../net/server.js";
import type { Snapshot } from "../net/types.js";
import type { Host } from "./gallery_view.js";
import type { GoToCell } from "./traceback_view.js";

/** Return what goes to a line of the task's notebook: the page's host, or a new tab of JupyterLab; null where neither is. */
export function goToCellOf(host: Host | null, server: Server | null, task: Snapshot): GoToCell | null {
  if (host?.openCell) return (place) => host.openCell?.(task, place);
  if (!server?.hasLab || task.notebook === null) return null;
  return (place) => void window.open(cellAddress(server.base, task.id, place), "_blank", "noopener");
}
