/** Notification rules: which changes of a task the user is notified of. Pure functions. */

import { formatDuration, nameOf, toSingleLine } from "../../model/format.js";
import { END_STATES } from "../../model/reducer.js";
import type { Snapshot } from "../../net/types.js";

export interface NotificationPolicy {
  readonly notify: "long" | "all" | "never";
  /** Seconds. */
  readonly longAfter: number;
}

/** `key`: the same for the same fact, so that it is sent once. */
export interface TaskNotification {
  readonly key: string;
  readonly kind: "end" | "question";
  readonly type: "success" | "error" | "warning" | "info";
  readonly text: string;
}

/** Return the notification for a change from `before` to `after`; null: none. */
export function notificationOf(
  before: Snapshot | null,
  after: Snapshot,
  policy: NotificationPolicy,
): TaskNotification | null {
  if (policy.notify === "never") return null;
  if (END_STATES.has(after.state)) return endNotification(before, after, policy);
  const { prompt } = after;
  if (!prompt || before?.prompt?.prompt_id === prompt.prompt_id) return null;
  return {
    key: `${after.id} ${prompt.prompt_id}`,
    kind: "question",
    type: "info",
    text: `${nameOf(after)} asks: ${toSingleLine(prompt.text)}`,
  };
}

/** Return the notification of an end, unless the task was cancelled, or ended too soon to be worth a notification. */
function endNotification(
  before: Snapshot | null,
  after: Snapshot,
  { notify, longAfter }: NotificationPolicy,
): TaskNotification | null {
  const isRepeated = before?.state === after.state && before.attempt === after.attempt;
  if (isRepeated || after.state === "cancelled") return null;
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
  const spent = `after ${formatDuration(took)}`;
  if (task.state === "interrupted") return `${nameOf(task)} was interrupted ${spent}: its process ended`;
  const why = task.error
    ? `: ${toSingleLine([task.error.type, task.error.message].filter(Boolean).join(": "))}`
    : "";
  return `${nameOf(task)} ${task.state} ${spent}${why}`;
}
