/** Notifications of tasks: in JupyterLab, and by the browser for a hidden page. */

import { Notification as LabNotification } from "@jupyterlab/apputils";
import { END_STATES } from "../../model/reducer.js";
import type { TaskListStore } from "../../model/task_list_store.js";
import type { Snapshot } from "../../net/types.js";
import { notificationOf, type TaskNotification, type NotificationPolicy } from "./rules.js";
import { sweepKey, type SweepNotification, sweepNotification, sweepOf } from "./sweeps.js";

/** Milliseconds until a notification of success closes; others stay until the user closes them. */
const SUCCESS_AUTO_CLOSE = 8000;

export class Notifier {
  readonly #sent = new Set<string>();
  /** Notifications of open questions, by task; `shown` is the notification's id. */
  readonly #openQuestions = new Map<string, { prompt: string; shown: string }>();
  /** The ids of the notifications of sweeps, by the sweep's key. */
  readonly #sweeps = new Map<string, string>();

  #mayAnswer = () => true;

  readonly #policy: () => NotificationPolicy;
  readonly #open: (task: Snapshot) => void;

  constructor(policy: () => NotificationPolicy, open: (task: Snapshot) => void) {
    this.#policy = policy;
    this.#open = open;
  }

  watch(list: TaskListStore): () => void {
    this.#mayAnswer = () => list.connection.rights.has("write");
    return list.subscribeToChanges((before, after) => this.#onChange(before, after, list.tasks));
  }

  #onChange(before: Snapshot | null, after: Snapshot, all: readonly Snapshot[]): void {
    this.#dismissAnswered(after);
    const notification = notificationOf(before, after, this.#policy());
    if (!notification || this.#sent.has(notification.key)) return this.#countEnd(before, after, all);
    this.#sent.add(notification.key);
    const sweep = notification.kind === "end" ? sweepOf(after, all) : [];
    if (sweep.length > 1) return this.#notifyOfSweep(sweep, after);
    if (document.hidden) showBrowserNotification(notification, () => this.#open(after));
    if (!isVisible(after.id)) this.#show(notification, after);
  }

  /** Show one notification for a sweep, and update it with each end. One that the user has closed is not shown again
   * before the last end. */
  #notifyOfSweep(sweep: readonly Snapshot[], ended: Snapshot): void {
    const [key, { type, text, isActive }] = [sweepKey(ended), sweepNotification(sweep)];
    if (document.hidden) showBrowserNotification({ key, text }, () => this.#open(ended));
    if (this.#updateSweep(sweep, ended)) return;
    const id = this.#sweeps.get(key);
    const isNew = id === undefined && !isVisible(ended.id);
    if (isNew || (id !== undefined && !isActive))
      this.#sweeps.set(key, LabNotification.emit(text, type, this.#sweepOptions(type, ended)));
  }

  /** Count an end that is worth no notification: it may be the last one that a sweep's notification waits for. */
  #countEnd(before: Snapshot | null, after: Snapshot, all: readonly Snapshot[]): void {
    const isEnd = END_STATES.has(after.state) && before?.state !== after.state;
    if (isEnd && this.#sweeps.has(sweepKey(after))) this.#updateSweep(sweepOf(after, all), after);
  }

  /** Update the notification of a sweep. Returns false when none is on the screen. */
  #updateSweep(sweep: readonly Snapshot[], ended: Snapshot): boolean {
    const [id, { type, text }] = [this.#sweeps.get(sweepKey(ended)), sweepNotification(sweep)];
    if (id === undefined) return false;
    return LabNotification.update({ id, message: text, type, ...this.#sweepOptions(type, ended) });
  }

  #sweepOptions(type: SweepNotification["type"], ended: Snapshot) {
    return {
      autoClose: type === "success" ? SUCCESS_AUTO_CLOSE : (false as const),
      actions: [{ label: "Open", callback: () => this.#open(ended), displayType: "accent" as const }],
    };
  }

  #show({ kind, type, text }: TaskNotification, task: Snapshot): void {
    const label = kind === "question" && this.#mayAnswer() ? "Answer" : "Open";
    const actions = [{ label, callback: () => this.#open(task), displayType: "accent" as const }];
    const id = LabNotification.emit(text, type, {
      autoClose: type === "success" ? SUCCESS_AUTO_CLOSE : false,
      actions,
    });
    if (kind === "question") this.#openQuestions.set(task.id, { prompt: task.prompt!.prompt_id, shown: id });
  }

  /** Dismiss the notification of a question that is closed, wherever it was answered. */
  #dismissAnswered({ id, state, prompt }: Snapshot): void {
    const asked = this.#openQuestions.get(id);
    if (!asked || (asked.prompt === prompt?.prompt_id && !END_STATES.has(state))) return;
    LabNotification.dismiss(asked.shown);
    this.#openQuestions.delete(id);
  }
}

/** Return whether a view of the task can be seen on the page. */
function isVisible(task: string): boolean {
  if (document.hidden) return false;
  const views = document.querySelectorAll<HTMLElement>("jupyter-agent-task, jupyter-agent-tasks .jal-row");
  return [...views].some((view) => view.dataset.taskId === task && isOnTop(view));
}

function isOnTop(view: HTMLElement): boolean {
  const { left, right, top, bottom } = view.getBoundingClientRect();
  const at = (from: number, to: number, max: number) => (Math.max(from, 0) + Math.min(to, max)) / 2;
  const found = document.elementFromPoint(at(left, right, innerWidth), at(top, bottom, innerHeight));
  return right > left && found !== null && view.contains(found);
}

/** Show a notification of the browser. The tag makes several tabs show only one. */
function showBrowserNotification(
  { key, text }: Pick<TaskNotification, "key" | "text">,
  open: () => void,
): void {
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  const shown = new Notification(text, { tag: `jupyter-agent ${key}` });
  shown.onclick = () => {
    window.focus();
    open();
    shown.close();
  };
}
