/** The status bar item: the number of active tasks. */

import { Signal, type ISignal } from "@lumino/signaling";
import type { Message } from "@lumino/messaging";
import { Widget } from "@lumino/widgets";
import { adoptStyles } from "../../dom/styles.js";
import { END_STATES } from "../../model/reducer.js";
import type { TaskListStore } from "../../model/task_list_store.js";
import { isWaitingForAnswer } from "../../list/labels.js";
import { tasksIcon } from "./icon.js";
import css from "./panel.css";

export class StatusItem extends Widget {
  /** Whether the item is to be shown. */
  active = false;
  readonly #activeChanged = new Signal<this, void>(this);
  readonly #button = Object.assign(document.createElement("button"), {
    className: "ja-status",
    type: "button",
  });
  readonly #text = document.createElement("span");
  readonly #stop: () => void;

  readonly #list: TaskListStore;
  readonly #isEnabled: () => boolean;

  /** `isEnabled`: the user's setting. */
  constructor(list: TaskListStore, isEnabled: () => boolean, open: () => void) {
    super();
    this.#list = list;
    this.#isEnabled = isEnabled;
    this.addClass("jp-mod-highlighted");
    tasksIcon.element({
      container: this.#button.appendChild(document.createElement("span")),
      stylesheet: "statusBar",
    });
    this.#button.append(this.#text);
    this.#button.addEventListener("click", open);
    this.node.append(this.#button);
    this.#stop = list.subscribe(() => this.refresh());
    this.refresh();
  }

  get activeChanged(): ISignal<this, void> {
    return this.#activeChanged;
  }

  refresh(): void {
    const running = this.#list.tasks.filter((task) => !END_STATES.has(task.state));
    const asking = running.filter(isWaitingForAnswer).length;
    const active = this.#isEnabled() && running.length > 0;
    const words = `${running.length} ${running.length === 1 ? "task" : "tasks"} running`;
    const title = `${words}${asking ? `, ${asking} waiting for an answer` : ""}. Show the tasks.`;
    const others = asking && asking < running.length ? `${running.length} running, ` : "";
    const text = asking ? `${others}${asking} waiting for you` : String(running.length);
    if (this.#text.textContent !== text) this.#text.textContent = text;
    if (this.#button.title !== title) {
      this.#button.title = title;
      this.#button.setAttribute("aria-label", title);
    }
    if (active === this.active) return;
    this.active = active;
    this.#activeChanged.emit();
  }

  protected override onAfterAttach(_: Message): void {
    adoptStyles(this.node, css);
  }

  override dispose(): void {
    if (!this.isDisposed) this.#stop();
    super.dispose();
  }
}
