/** Tells a person what became of tasks: JupyterLab's notifications, and the browser's own while nobody looks. */

import { Notification as Notice } from "@jupyterlab/apputils";
import { ENDED } from "../../model/reducer.js";
import type { TaskList } from "../../model/task_list_store.js";
import type { Snapshot } from "../../net/types.js";
import { noticeOf, type Notice as News, type Wishes } from "./rules.js";

/** Milliseconds that a good end is on the screen; what needs somebody stays until it is closed. */
const GLANCE = 8000;

export class Notifier {
  readonly #told = new Set<string>();
  /** Questions that are on the screen, by task; `shown` is the notification. */
  readonly #questions = new Map<string, { prompt: string; shown: string }>();

  constructor(
    private readonly wishes: () => Wishes,
    private readonly open: (task: Snapshot) => void,
  ) {}

  watch(list: TaskList): () => void {
    return list.watchChanges((before, after) => this.#changed(before, after));
  }

  #changed(before: Snapshot | null, after: Snapshot): void {
    this.#takeAway(after);
    const news = noticeOf(before, after, this.wishes());
    if (!news || this.#told.has(news.key)) return;
    this.#told.add(news.key);
    if (document.hidden) showOutside(news, () => this.open(after));
    if (!isInSight(after.id)) this.#show(news, after);
  }

  #show({ kind, type, text }: News, task: Snapshot): void {
    const label = kind === "question" ? "Answer" : "Open";
    const actions = [{ label, callback: () => this.open(task), displayType: "accent" as const }];
    const id = Notice.emit(text, type, { autoClose: type === "success" ? GLANCE : false, actions });
    if (kind === "question") this.#questions.set(task.id, { prompt: task.prompt!.prompt_id, shown: id });
  }

  /** A question that is not asked any more, wherever it was answered. */
  #takeAway({ id, state, prompt }: Snapshot): void {
    const asked = this.#questions.get(id);
    if (!asked || (asked.prompt === prompt?.prompt_id && !ENDED.has(state))) return;
    Notice.dismiss(asked.shown);
    this.#questions.delete(id);
  }
}

/** Whether a person who looks at this page sees a view of the task. */
function isInSight(task: string): boolean {
  if (document.hidden) return false;
  const views = document.querySelectorAll<HTMLElement>("jupyter-agent-task, jupyter-agent-tasks .jal-row");
  return [...views].some((view) => view.dataset.taskId === task && isOnTop(view));
}

function isOnTop(view: HTMLElement): boolean {
  const { left, right, top, bottom } = view.getBoundingClientRect();
  const at = (from: number, to: number, most: number) => (Math.max(from, 0) + Math.min(to, most)) / 2;
  const found = document.elementFromPoint(at(left, right, innerWidth), at(top, bottom, innerHeight));
  return right > left && found !== null && view.contains(found);
}

/** The browser's own notification; with the same tag in several tabs there is one. */
function showOutside({ key, text }: News, open: () => void): void {
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  const shown = new Notification(text, { tag: `jupyter-agent ${key}` });
  shown.onclick = () => {
    window.focus();
    open();
    shown.close();
  };
}
