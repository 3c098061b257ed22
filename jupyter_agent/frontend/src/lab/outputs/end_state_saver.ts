/** The saver of tasks' end states into the outputs of open notebooks. */

import type { ICodeCellModel } from "@jupyterlab/cells";
import type { INotebookTracker, NotebookPanel } from "@jupyterlab/notebook";
import type { IOutputModel, IRenderMime } from "@jupyterlab/rendermime";
import { END_STATES } from "../../model/reducer.js";
import type { TaskListStore } from "../../model/task_list_store.js";
import type { Server } from "../../net/server.js";
import type { Snapshot } from "../../net/types.js";
import type { DirtyState } from "./dirty_state.js";
import { codeCells, outputsOf } from "./notebooks.js";
import type { SharedNotebooks } from "./shared_notebooks.js";
import { fetchTask, fetchTaskHtml, isOutdated, lacksEnd, withEndState } from "./end_state.js";
import { parseOutputMetadata } from "./mime.js";

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
    const ended = new Map<string, Snapshot>();
    const saveAll = () => {
      for (const [id, places] of outdatedIn(tracker, ended)) void this.#saveListed(id, places);
      ended.clear();
    };
    list.subscribeToChanges((_, task) => {
      if (!END_STATES.has(task.state)) return;
      if (ended.size === 0) queueMicrotask(saveAll); // once for all that end with one message of the server
      ended.set(task.id, task);
    });
  }

  /** Fetch the whole task first: a list does not receive logs and metrics. */
  async #saveListed(id: string, places: readonly Place[]): Promise<void> {
    const task = await fetchTask(this.#server, id);
    const there = () => places.filter(isThere);
    if (task && END_STATES.has(task.state)) await this.save(task, there);
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

/** An output in a cell of a notebook. */
interface Place extends OutputLocation {
  readonly output: IOutputModel;
  readonly cell: ICodeCellModel;
}

/** Return the outputs that lack the end of one of these tasks, by task. Each output is read once: that copies it. */
function outdatedIn(tracker: INotebookTracker, tasks: ReadonlyMap<string, Snapshot>): Map<string, Place[]> {
  const found = new Map<string, Place[]>();
  const look = (place: Place) => {
    const shown = parseOutputMetadata(place.output.metadata);
    const task = shown && tasks.get(shown.id);
    if (task && lacksEnd(shown, task)) found.set(task.id, [...(found.get(task.id) ?? []), place]);
  };
  tracker.forEach((panel) => {
    for (const cell of codeCells(panel.content.model))
      for (const output of outputsOf(cell)) look({ output, panel, cell });
  });
  return found;
}

/** Return whether an output is still in its cell. */
function isThere({ output, cell }: Place): boolean {
  return !cell.isDisposed && outputsOf(cell).includes(output);
}
