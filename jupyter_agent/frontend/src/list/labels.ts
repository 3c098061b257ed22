/** The texts of a row. */

import type { Snapshot } from "../net/types.js";
import { END_STATES } from "../model/reducer.js";
import { secondsRemaining, fractionDone } from "../model/rate.js";
import {
  formatAge,
  formatDuration,
  formatMoment,
  formatNumber,
  formatPercent,
  formatWholeDuration,
  toSingleLine,
} from "../model/format.js";

import { stoppingText } from "../element/sections.js";

export { canStop, stateLabel, stopWord } from "../element/sections.js";

export function nameOf(task: Snapshot): string {
  return toSingleLine(task.name) || "task";
}

/** Return the notebook's file name; empty without a notebook. */
export function notebookOf({ notebook }: Snapshot): string {
  return toSingleLine(notebook?.split(/[\\/]/).at(-1) ?? "");
}

/** Return whether the task waits for a person's answer. */
export function isWaitingForAnswer(task: Snapshot): boolean {
  return task.prompt !== null && !END_STATES.has(task.state);
}

export function percent(task: Snapshot): string {
  return formatPercent(fractionDone(task));
}

/** Return the task's question, what it waits for, its error, its result, or its last progress message. */
export function detailText(task: Snapshot, now: number): string {
  if (task.stopping) return stoppingText(task, now);
  if (task.prompt && !END_STATES.has(task.state)) return toSingleLine(task.prompt.text);
  if ((task.state === "queued" || task.state === "cancelled") && task.reason)
    return toSingleLine(task.reason);
  if (task.error) return toSingleLine([task.error.type, task.error.message].filter(Boolean).join(": "));
  if (task.state === "completed")
    return task.result && task.result.repr !== "None" ? toSingleLine(task.result.repr) : "";
  const stopped = END_STATES.has(task.state) && percent(task) ? `stopped at ${percent(task)}` : "";
  return toSingleLine(task.progress?.message ?? "") || stopped;
}

/** Return how far the task is, or how long it took. */
export function progressText(task: Snapshot): string {
  if (task.state === "queued") return "waiting";
  return END_STATES.has(task.state) ? timeTaken(task) : percent(task) || countOf(task);
}

/** Return the time remaining, the time spent so far, or when the task ended. */
export function timeText(task: Snapshot, rate: number | null, now: number): string {
  if (END_STATES.has(task.state)) return task.ended === null ? "" : formatAge(now - task.ended);
  const rest = task.prompt || task.cancel_requested ? null : secondsRemaining(task, rate);
  if (rest !== null) return `${formatWholeDuration(rest)} left`;
  const since = task.state === "queued" ? task.queued : task.started;
  return since === null ? "" : formatWholeDuration(now - since);
}

/** Return when the task was queued, started and ended, in local time. */
export function timestamps({ queued, started, ended: ended }: Snapshot): string {
  const parts = [
    ["queued", queued],
    ["started", started],
    ["ended", ended],
  ] as const;
  return parts.flatMap(([word, time]) => (time === null ? [] : [`${word} ${formatMoment(time)}`])).join(", ");
}

function timeTaken({ started, ended: ended }: Snapshot): string {
  return started === null || ended === null ? "" : formatDuration(ended - started);
}

function countOf({ progress }: Snapshot): string {
  return progress?.done == null ? "" : `${formatNumber(progress.done)} done`;
}
