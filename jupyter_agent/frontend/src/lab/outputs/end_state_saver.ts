/** The saver of tasks' end states into the outputs of open notebooks. */

import type { INotebookTracker, NotebookPanel } from "@jupyterlab/notebook";
import type { IRenderMime } from "@jupyterlab/rendermime";
import { END_STATES } from "../../model/reducer.js";
import type { TaskListStore } from "../../model/task_list_store.js";
import type { Server } from "../../net/server.js";
import type { Snapshot } from "../../net/types.js";
import type { DirtyState } from "./dirty_state.js";
import { codeCells, outputsOf } from "./notebooks.js";
import type { SharedNotebooks } from "./shared_notebooks.js";
import { withEndState, isOutdated, fetchTaskHtml, fetchTask } from "./end_state.js";

/** An output and its notebook; null: the output is elsewhere, such as in a console. */
export interface OutputLocation {
  readonly output: IRenderMime.IMimeModel;
  readonly panel: NotebookPanel | null;
}

export class EndStateSaver {
  readonly #server: Server;
  readonly #dirtyState: DirtyState;
  readonly #shared: SharedNotebooks;

  constructor(server: Server, dirtyState: DirtyState, shared: SharedNotebooks) {
    this.#server = server;
    this.#dirtyState = dirtyState;
    this.#shared = shared;
  }

  /** Save into all outputs of open notebooks, even those that are collapsed or not drawn. */
  watch(list: TaskListStore, tracker: INotebookTracker): void {
    list.subscribeToChanges((_, task) => {
      if (END_STATES.has(task.state)) void this.#saveListed(task, () => outputsIn(tracker));
    });
  }

  /** Fetch the whole task first: a list does not receive logs and metrics. */
  async #saveListed(listed: Snapshot, locations: () => OutputLocation[]): Promise<void> {
    if (!locations().some(({ output }) => isOutdated(output, listed))) return;
    const task = await fetchTask(this.#server, listed.id);
    if (task && END_STATES.has(task.state)) await this.save(task, locations);
  }

  /** Write the end state of `task` into those outputs that show it and lack it. */
  async save(task: Snapshot, locations: () => OutputLocation[]): Promise<void> {
    for (const { panel } of locations())
      void this.#shared.of(panel)?.then((notebook) => notebook.saveEnd(task));
    const outdated = () =>
      locations().filter(({ output, panel }) => !this.#shared.of(panel) && isOutdated(output, task));
    if (outdated().length === 0) return;
    const staticHtml = await fetchTaskHtml(this.#server, task.id);
    // Look again: during the request another view may have saved it, or the output may have been removed.
    for (const { output, panel } of outdated()) {
      const updated = withEndState(output, task, staticHtml) as IRenderMime.IMimeModel.ISetDataOptions;
      this.#dirtyState.change(panel, () => output.setData(updated));
    }
  }
}

function outputsIn(tracker: INotebookTracker): OutputLocation[] {
  const locations: OutputLocation[] = [];
  tracker.forEach((panel) => {
    for (const cell of codeCells(panel.content.model))
      locations.push(...outputsOf(cell).map((output) => ({ output, panel })));
  });
  return locations;
}
