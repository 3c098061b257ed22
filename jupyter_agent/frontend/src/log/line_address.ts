/** The addresses of lines on the tasks page, and the line in the present one. */

import { copyText } from "../dom/clipboard.js";
import type { TaskStore } from "../model/task_store.js";
import type { Server } from "../net/server.js";

/** Return the address of a line of a task's log on the tasks page. */
export function addressOfLine(server: Server, task: string, line: number): string {
  const address = new URL("jupyter-agent/", server.base);
  address.search = new URLSearchParams({ task, line: String(line) }).toString();
  return address.href;
}

/** Return the line of the task that the page's address names; null: none. */
export function lineInAddress(task: string): number | null {
  const query = new URLSearchParams(location.search);
  const line = Number(query.get("line"));
  return query.get("task") === task && Number.isInteger(line) && line > 0 ? line : null;
}

/** Put a line into the page's address; elsewhere, put its address on the clipboard. Resolves with what to say of it. */
export async function linkToLine({ server, taskId }: TaskStore, line: number): Promise<string> {
  if (setLineInAddress(taskId, line)) return "";
  await copyText(addressOfLine(server, taskId, line));
  return "Address copied";
}

/** Put a line into the page's address. Returns whether it is about this task. */
function setLineInAddress(task: string, line: number): boolean {
  const address = new URL(location.href);
  if (address.searchParams.get("task") !== task) return false;
  address.searchParams.set("line", String(line));
  history.replaceState(history.state, "", address);
  return true;
}
