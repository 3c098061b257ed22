/** How many tasks are running, in the status bar. */

import { Signal, type ISignal } from "@lumino/signaling";
import type { Message } from "@lumino/messaging";
import { Widget } from "@lumino/widgets";
import { adopt } from "../../dom/styles.js";
import { ENDED } from "../../model/reducer.js";
import type { TaskList } from "../../model/task_list_store.js";
import { asks } from "../../list/labels.js";
import { tasksIcon } from "./icon.js";
import css from "./panel.css";

export class StatusItem extends Widget {
  /** Whether there is anything to say. */
  active = false;
  readonly #activeChanged = new Signal<this, void>(this);
  readonly #button = Object.assign(document.createElement("button"), {
    className: "ja-status",
    type: "button",
  });
  readonly #text = document.createElement("span");
  readonly #stop: () => void;

  /** `wanted`: whether the person wants it. */
  constructor(
    private readonly list: TaskList,
    private readonly wanted: () => boolean,
    open: () => void,
  ) {
    super();
    this.addClass("jp-mod-highlighted");
    tasksIcon.element({
      container: this.#button.appendChild(document.createElement("span")),
      stylesheet: "statusBar",
    });
    this.#button.append(this.#text);
    this.#button.addEventListener("click", open);
    this.node.append(this.#button);
    this.#stop = list.watch(() => this.refresh());
    this.refresh();
  }

  get activeChanged(): ISignal<this, void> {
    return this.#activeChanged;
  }

  refresh(): void {
    const running = this.list.tasks.filter((task) => !ENDED.has(task.state));
    const asking = running.filter(asks).length;
    const active = this.wanted() && running.length > 0;
    const words = `${running.length} ${running.length === 1 ? "task" : "tasks"} running`;
    const title = `${words}${asking ? `, ${asking} waiting for an answer` : ""}. Show the tasks.`;
    const text = asking ? `${running.length}, ${asking} waiting for you` : String(running.length);
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
    adopt(this.node, css);
  }

  override dispose(): void {
    if (!this.isDisposed) this.#stop();
    super.dispose();
  }
}
