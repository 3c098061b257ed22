/** The section of active tasks in JupyterLab's "Running" panel. */

import type { IRunningSessions } from "@jupyterlab/running";
import { Signal, type ISignal } from "@lumino/signaling";
import { stateLabel } from "../../element/sections.js";
import { nameOf, notebookOf, percent } from "../../list/labels.js";
import { END_STATES } from "../../model/reducer.js";
import type { TaskListStore } from "../../model/task_list_store.js";
import type { Snapshot } from "../../net/types.js";
import { tasksIcon } from "./icon.js";

export class RunningTasks implements IRunningSessions.IManager {
  readonly name = "Tasks";
  readonly shutdownLabel = "Cancel";
  readonly shutdownAllLabel = "Cancel All";
  readonly shutdownAllConfirmationText = "Cancel all running tasks?";
  readonly #changed = new Signal<this, void>(this);

  readonly #list: TaskListStore;
  readonly #open: (task: Snapshot) => void;
  readonly #cancel: (task: Snapshot) => void;

  constructor(list: TaskListStore, open: (task: Snapshot) => void, cancel: (task: Snapshot) => void) {
    this.#list = list;
    this.#open = open;
    this.#cancel = cancel;
    let last = "";
    list.subscribe(() => {
      const now = JSON.stringify(this.#active().map((task) => [task.id, stateLabel(task), percent(task)]));
      if (now !== last) this.#changed.emit();
      last = now;
    });
  }

  get runningChanged(): ISignal<this, void> {
    return this.#changed;
  }

  running(): IRunningSessions.IRunningItem[] {
    return this.#active().map((task) => this.#item(task));
  }

  shutdownAll(): void {
    this.#active().forEach(this.#cancel);
  }

  /** Nothing to fetch: the list is live. */
  refreshRunning(): void {
    this.#changed.emit();
  }

  #active(): Snapshot[] {
    return this.#list.tasks.filter((task) => !END_STATES.has(task.state));
  }

  #item(task: Snapshot): IRunningSessions.IRunningItem {
    const where = notebookOf(task);
    return {
      icon: () => tasksIcon,
      label: () => nameOf(task),
      labelTitle: () => [nameOf(task), stateLabel(task), where, task.id].filter(Boolean).join("\n"),
      detail: () => (task.prompt ? stateLabel(task) : percent(task) || stateLabel(task)),
      open: () => this.#open(task),
      shutdown: () => this.#cancel(task),
    };
  }
}
