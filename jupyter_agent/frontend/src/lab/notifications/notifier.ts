/** Notifications of tasks: in JupyterLab, and by the browser for a hidden page. */

import { Notification as LabNotification } from "@jupyterlab/apputils";
import { END_STATES } from "../../model/reducer.js";
import type { TaskListStore } from "../../model/task_list_store.js";
import type { Snapshot } from "../../net/types.js";
import { notificationOf, type TaskNotification, type NotificationPolicy } from "./rules.js";

/** Milliseconds until a notification of success closes; others stay until the user closes them. */
const SUCCESS_AUTO_CLOSE = 8000;

export class Notifier {
  readonly #sent = new Set<string>();
  /** Notifications of open questions, by task; `shown` is the notification's id. */
  readonly #openQuestions = new Map<string, { prompt: string; shown: string }>();

  readonly #policy: () => NotificationPolicy;
  readonly #open: (task: Snapshot) => void;

  constructor(policy: () => NotificationPolicy, open: (task: Snapshot) => void) {
    this.#policy = policy;
    this.#open = open;
  }

  watch(list: TaskListStore): () => void {
    return list.subscribeToChanges((before, after) => this.#onChange(before, after));
  }

  #onChange(before: Snapshot | null, after: Snapshot): void {
    this.#dismissAnswered(after);
    const notification = notificationOf(before, after, this.#policy());
    if (!notification || this.#sent.has(notification.key)) return;
    this.#sent.add(notification.key);
    if (document.hidden) showBrowserNotification(notification, () => this.#open(after));
    if (!isVisible(after.id)) this.#show(notification, after);
  }

  #show({ kind, type, text }: TaskNotification, task: Snapshot): void {
    const label = kind === "question" ? "Answer" : "Open";
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
function showBrowserNotification({ key, text }: TaskNotification, open: () => void): void {
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  const shown = new Notification(text, { tag: `jupyter-agent ${key}` });
  shown.onclick = () => {
    window.focus();
    open();
    shown.close();
  };
}
