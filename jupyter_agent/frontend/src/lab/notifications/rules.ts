/** What a person is told of tasks, and when: without a page, so that all of it can be tested. */

import { duration, oneLine } from "../../model/format.js";
import { ENDED } from "../../model/reducer.js";
import type { Snapshot } from "../../net/types.js";

export interface Wishes {
  readonly notify: "long" | "all" | "never";
  /** Seconds. */
  readonly longAfter: number;
}

/** `key`: the same for the same fact, whoever tells it. */
export interface Notice {
  readonly key: string;
  readonly kind: "end" | "question";
  readonly type: "success" | "error" | "warning" | "info";
  readonly text: string;
}

/** What is to be told after a task went from `before` to `after`; null: nothing. */
export function noticeOf(before: Snapshot | null, after: Snapshot, wishes: Wishes): Notice | null {
  if (wishes.notify === "never") return null;
  if (ENDED.has(after.state)) return endOf(before, after, wishes);
  const { prompt } = after;
  if (!prompt || before?.prompt?.prompt_id === prompt.prompt_id) return null;
  return {
    key: `${after.id} ${prompt.prompt_id}`,
    kind: "question",
    type: "info",
    text: `${nameOf(after)} asks: ${oneLine(prompt.text)}`,
  };
}

/** An end, unless somebody asked for it, or it came too soon to be news. */
function endOf(before: Snapshot | null, after: Snapshot, { notify, longAfter }: Wishes): Notice | null {
  const again = before?.state === after.state && before.attempt === after.attempt;
  if (again || after.state === "cancelled") return null;
  const took = after.started === null || after.ended === null ? 0 : after.ended - after.started;
  if (notify === "long" && took < longAfter) return null;
  const type = after.state === "completed" ? "success" : after.state === "failed" ? "error" : "warning";
  return {
    key: `${after.id} ${after.attempt} ${after.state}`,
    kind: "end",
    type,
    text: endText(after, took),
  };
}

function endText(task: Snapshot, took: number): string {
  const spent = `after ${took < 1 ? "less than 1 s" : duration(took)}`;
  if (task.state === "interrupted") return `${nameOf(task)} was interrupted ${spent}: its process went away`;
  const why = task.error
    ? `: ${oneLine([task.error.type, task.error.message].filter(Boolean).join(": "))}`
    : "";
  return `${nameOf(task)} ${task.state} ${spent}${why}`;
}

function nameOf(task: Snapshot): string {
  return oneLine(task.name) || "task";
}
