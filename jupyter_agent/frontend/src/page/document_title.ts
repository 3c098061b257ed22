/** The document's title: what the browser's tab shows. */

import { isWaitingForAnswer, nameOf, percent, stateLabel } from "../list/labels.js";
import type { Snapshot } from "../net/types.js";

/** Return the title of one task: its name and progress or state. */
export function titleOf(task: Snapshot): string {
  const isRunning = task.state === "running" && !isWaitingForAnswer(task) && !task.cancel_requested;
  const status = (isRunning && percent(task)) || stateLabel(task);
  return `${nameOf(task)} · ${status}`;
}

/** Return the title of the list: the number of running tasks. */
export function titleOfAll(tasks: readonly Snapshot[]): string {
  const running = tasks.filter((task) => task.state === "running").length;
  return running > 0 ? `${running} running · Tasks` : "Tasks";
}

/** Return the title of a place of the page. */
export function titleOfView(place: string): string {
  return `${place} · Tasks`;
}
