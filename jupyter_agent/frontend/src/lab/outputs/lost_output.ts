/** Lost outputs: what a cell shows, and the output that the kernel had sent to it. */

import type { ICodeCellModel } from "@jupyterlab/cells";
import type { INotebookModel } from "@jupyterlab/notebook";
import type { DocumentRegistry } from "@jupyterlab/docregistry";
import type { PartialJSONObject } from "@lumino/coreutils";
import type { Snapshot } from "../../net/types.js";
import { savedLine } from "./end_state.js";
import type { CellState } from "./lost_views.js";
import { TASK_MIME } from "./mime.js";
import { tasksIn } from "./notebooks.js";

/** The context of a notebook in its page. */
export type NotebookContext = DocumentRegistry.IContext<INotebookModel>;

export function cellState(context: NotebookContext, cell: ICodeCellModel): CellState {
  const tasks = tasksIn(cell);
  const [shown, runs] = [tasks.map(({ id }) => id), tasks.map(({ snapshot }) => snapshot?.run ?? null)];
  return { id: cell.id, shown: new Set(shown), runs: new Set(runs), saved: savedAt(context) };
}

/** Add the output that the kernel sent to a cell, with `marks` in its metadata. */
export function addOutput(
  cell: ICodeCellModel,
  task: Snapshot,
  staticHtml: string | null,
  marks: { restored?: true } = {},
): void {
  // As after a run: a cell without outputs contains nothing untrusted.
  if (cell.outputs.length === 0) cell.trusted = true;
  const slim = task.view === "slim" ? { slim: true } : {};
  cell.outputs.add({
    output_type: "display_data",
    data: {
      [TASK_MIME]: { v: 1 },
      ...(staticHtml === null ? {} : { "text/html": staticHtml }),
      "text/plain": savedLine(task),
    },
    metadata: {
      [TASK_MIME]: { task_id: task.id, snapshot: { ...task }, ...slim, ...marks },
    } as unknown as PartialJSONObject,
  });
}

/** Return when the notebook's file was last saved, Unix seconds; 0 when unknown. */
function savedAt(context: NotebookContext): number {
  const saved = Date.parse(context.contentsModel?.last_modified ?? "");
  return Number.isNaN(saved) ? 0 : saved / 1000;
}
