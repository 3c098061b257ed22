/** What a row says of a task. */

import type { Snapshot } from "../net/types.js";
import { ENDED } from "../model/reducer.js";
import { remaining, share } from "../model/rate.js";
import { duration, number, oneLine } from "../model/format.js";

export { stateWord } from "../element/sections.js";

const [MINUTE, HOUR, DAY] = [60, 3600, 86_400];

export function nameOf(task: Snapshot): string {
  return oneLine(task.name) || "task";
}

/** The notebook's file name; empty when there is none. */
export function notebookOf({ notebook }: Snapshot): string {
  return oneLine(notebook?.split(/[\\/]/).at(-1) ?? "");
}

/** Whether it waits for a person's answer. */
export function asks(task: Snapshot): boolean {
  return task.prompt !== null && !ENDED.has(task.state);
}

export function percent(task: Snapshot): string {
  const done = share(task);
  return done === null ? "" : `${Math.floor(done * 100)} %`;
}

/** What it asks, waits for, does, said last, or came to. */
export function note(task: Snapshot): string {
  if (task.prompt && !ENDED.has(task.state)) return oneLine(task.prompt.text);
  if (task.state === "queued" && task.reason) return oneLine(task.reason);
  if (task.error) return oneLine([task.error.type, task.error.message].filter(Boolean).join(": "));
  if (task.state === "completed")
    return task.result && task.result.repr !== "None" ? oneLine(task.result.repr) : "";
  const stopped = ENDED.has(task.state) && percent(task) ? `stopped at ${percent(task)}` : "";
  return oneLine(task.progress?.message ?? "") || stopped;
}

/** How far it is, or how long it took. */
export function measure(task: Snapshot): string {
  if (task.state === "queued") return "waiting";
  return ENDED.has(task.state) ? took(task) : percent(task) || countOf(task);
}

/** When it will be done, how long it has been at it, or when it was. */
export function moment(task: Snapshot, rate: number | null, now: number): string {
  if (ENDED.has(task.state)) return task.ended === null ? "" : ago(now - task.ended, task.ended);
  const rest = task.prompt || task.cancel_requested ? null : remaining(task, rate);
  if (rest !== null) return `${duration(rest)} left`;
  const since = task.state === "queued" ? task.queued : task.started;
  return since === null ? "" : duration(now - since);
}

/** Seconds since a moment, in words that stay true for a while. */
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

/** Both ends of a task as a person's clock has them. */
export function clock({ queued, started, ended }: Snapshot): string {
  const parts = [
    ["queued", queued],
    ["started", started],
    ["ended", ended],
  ] as const;
  return parts
    .flatMap(([word, time]) => (time === null ? [] : [`${word} ${moments.format(time * 1000)}`]))
    .join(", ");
}

const moments = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

function took({ started, ended }: Snapshot): string {
  if (started === null || ended === null) return "";
  return ended - started < 1 ? "under 1 s" : duration(ended - started);
}

function countOf({ progress }: Snapshot): string {
  return progress?.done == null ? "" : `${number(progress.done)} done`;
}
