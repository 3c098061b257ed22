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

export { canStop, stopWord } from "../element/head.js";
export { nameOf } from "../model/format.js";
export { stateLabel } from "../element/sections.js";

/** The length from which on a name may be cut in the middle, and how much of its end is always shown. */
const LONG_NAME = 20;
const NAME_END = /^(.+?)((?!\p{M}|\u200d).{12})$/su;

/** Return a name in two parts, of which the first may be cut: "train-resnet50-", "lr0.001-seed". */
export function splitName(name: string): [string, string] {
  const [, start = name, end = ""] = (name.length < LONG_NAME ? null : NAME_END.exec(name)) ?? [];
  return [start, end];
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
  const reason = (task.state === "queued" && task.waiting?.text) || task.reason;
  if ((task.state === "queued" || task.state === "cancelled") && reason) return toSingleLine(reason);
  if (task.error) return toSingleLine([task.error.type, task.error.message].filter(Boolean).join(": "));
  if (task.state === "completed") return resultText(task);
  const stopped = END_STATES.has(task.state) && percent(task) ? `stopped at ${percent(task)}` : "";
  return toSingleLine(task.progress?.message ?? "") || stopped;
}

function resultText({ result, kind }: Snapshot): string {
  if (!result || result.repr === "None") return "";
  const text = toSingleLine(result.repr);
  return kind === "command" ? `exit ${text}` : text;
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
