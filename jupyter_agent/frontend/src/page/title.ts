/** What a tab says. */

import type { Snapshot } from "../net/types.js";
import { asks, nameOf, percent, stateWord } from "../list/words.js";

/** Of one task: its name, and how it is. */
export function titleOf(task: Snapshot): string {
  const how = asks(task) ? "asks you" : (task.state === "running" && percent(task)) || stateWord(task);
  return `${nameOf(task)} · ${how}`;
}

/** Of all: how many run. */
export function titleOfAll(tasks: readonly Snapshot[]): string {
  const running = tasks.filter((task) => task.state === "running").length;
  return running > 0 ? `${running} running · Tasks` : "Tasks";
}
