/** Running tasks among what JupyterLab says is running. */

import type { IRunningSessions } from "@jupyterlab/running";
import { Signal, type ISignal } from "@lumino/signaling";
import { stateWord } from "../../element/sections.js";
import { nameOf, notebookOf, percent } from "../../list/labels.js";
import { ENDED } from "../../model/reducer.js";
import type { TaskList } from "../../model/task_list_store.js";
import type { Snapshot } from "../../net/types.js";
import { tasksIcon } from "./icon.js";

export class RunningTasks implements IRunningSessions.IManager {
  readonly name = "Tasks";
  readonly shutdownLabel = "Cancel";
  readonly shutdownAllLabel = "Cancel All";
  readonly shutdownAllConfirmationText = "Cancel all running tasks?";
  readonly #changed = new Signal<this, void>(this);

  constructor(
    private readonly list: TaskList,
    private readonly open: (task: Snapshot) => void,
    private readonly cancel: (task: Snapshot) => void,
  ) {
    let last = "";
    list.watch(() => {
      const now = JSON.stringify(this.#active().map((task) => [task.id, stateWord(task)]));
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
    this.#active().forEach(this.cancel);
  }

  /** Nothing to be asked for: the list lives. */
  refreshRunning(): void {
    this.#changed.emit();
  }

  #active(): Snapshot[] {
    return this.list.tasks.filter((task) => !ENDED.has(task.state));
  }

  #item(task: Snapshot): IRunningSessions.IRunningItem {
    const where = notebookOf(task);
    return {
      icon: () => tasksIcon,
      label: () => nameOf(task),
      labelTitle: () => [nameOf(task), stateWord(task), where, task.id].filter(Boolean).join("\n"),
      detail: () => (task.prompt ? stateWord(task) : percent(task) || stateWord(task)),
      open: () => this.open(task),
      shutdown: () => this.cancel(task),
    };
  }
}
