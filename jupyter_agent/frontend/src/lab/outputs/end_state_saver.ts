/** Keeps in notebooks how their tasks ended. */

import type { INotebookTracker, NotebookPanel } from "@jupyterlab/notebook";
import type { IRenderMime } from "@jupyterlab/rendermime";
import { ENDED } from "../../model/reducer.js";
import type { TaskList } from "../../model/task_list_store.js";
import type { Server } from "../../net/server.js";
import type { Snapshot } from "../../net/types.js";
import type { Marks } from "./dirty_state.js";
import { codeCells, outputsOf } from "./notebooks.js";
import { ended, isNews, stillPicture, wholeTask } from "./end_state.js";

/** An output, and the notebook that it is in; null for one that is elsewhere, as in a console. */
export interface Place {
  readonly output: IRenderMime.IMimeModel;
  readonly panel: NotebookPanel | null;
}

export class Keeper {
  constructor(
    private readonly server: Server,
    private readonly marks: Marks,
  ) {}

  /** Look after all outputs of open notebooks, also those that are collapsed or out of sight. */
  watch(list: TaskList, tracker: INotebookTracker): void {
    list.watchChanges((_, task) => {
      if (ENDED.has(task.state)) void this.#keepWhole(task, () => outputsIn(tracker));
    });
  }

  /** A list does not hear of logs and metrics; the server knows the whole task. */
  async #keepWhole(listed: Snapshot, places: () => Place[]): Promise<void> {
    if (!places().some(({ output }) => isNews(output, listed))) return;
    const task = await wholeTask(this.server, listed.id);
    if (task && ENDED.has(task.state)) await this.keep(task, places);
  }

  /** Write how `task` ended into those of `places` that show it and do not say so yet. */
  async keep(task: Snapshot, places: () => Place[]): Promise<void> {
    const news = () => places().filter(({ output }) => isNews(output, task));
    if (news().length === 0) return;
    const picture = await stillPicture(this.server, task.id);
    // Asked again: meanwhile another view may have been faster, or the output may be gone.
    for (const { output, panel } of news()) {
      const now = ended(output, task, picture) as IRenderMime.IMimeModel.ISetDataOptions;
      this.marks.change(panel, () => output.setData(now));
    }
  }
}

function outputsIn(tracker: INotebookTracker): Place[] {
  const places: Place[] = [];
  tracker.forEach((panel) => {
    for (const cell of codeCells(panel)) places.push(...outputsOf(cell).map((output) => ({ output, panel })));
  });
  return places;
}
