/** The texts of a row. */

import type { Snapshot } from "../net/types.js";
import { END_STATES } from "../model/reducer.js";
import { secondsRemaining, fractionDone } from "../model/rate.js";
import { formatDuration, formatNumber, toSingleLine } from "../model/format.js";

import { stoppingText } from "../element/sections.js";

export { canStop, stateLabel, stopWord } from "../element/sections.js";

const [MINUTE, HOUR, DAY] = [60, 3600, 86_400];

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
  const done = fractionDone(task);
  return done === null ? "" : `${Math.floor(done * 100)} %`;
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
  if (END_STATES.has(task.state)) return task.ended === null ? "" : ago(now - task.ended, task.ended);
  const rest = task.prompt || task.cancel_requested ? null : secondsRemaining(task, rate);
  if (rest !== null) return `${formatDuration(rest)} left`;
  const since = task.state === "queued" ? task.queued : task.started;
  return since === null ? "" : formatDuration(now - since);
}

/** Return a past time in words; `when`: the time itself, Unix seconds. Coarse, so that it need not change often. */
export function ago(seconds: number, when: number): string {
  if (seconds < 10) return "just now";
  if (seconds < MINUTE) return `${Math.floor(seconds / 10) * 10} s ago`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min ago`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h ago`;
  if (seconds < 7 * DAY) return `${Math.floor(seconds / DAY)} d ago`;
  return new Date(when * 1000).toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
  });
}

/** Return when the task was queued, started and ended, in local time. */
export function timestamps({ queued, started, ended: ended }: Snapshot): string {
  const parts = [
    ["queued", queued],
    ["started", started],
    ["ended", ended],
  ] as const;
  return parts
    .flatMap(([word, time]) => (time === null ? [] : [`${word} ${dateTimeFormat.format(time * 1000)}`]))
    .join(", ");
}

const dateTimeFormat = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

function timeTaken({ started, ended: ended }: Snapshot): string {
  if (started === null || ended === null) return "";
  return ended - started < 1 ? "under 1 s" : formatDuration(ended - started);
}

function countOf({ progress }: Snapshot): string {
  return progress?.done == null ? "" : `${formatNumber(progress.done)} done`;
}
