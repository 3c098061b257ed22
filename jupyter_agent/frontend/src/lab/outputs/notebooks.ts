/** The notebooks of the page: their cells, outputs and tasks. */

import type { ICellModel, ICodeCellModel } from "@jupyterlab/cells";
import type { NotebookPanel } from "@jupyterlab/notebook";
import type { IOutputModel } from "@jupyterlab/rendermime";
import type { Widget } from "@lumino/widgets";
import { parseOutputMetadata, type OutputMetadata } from "./mime.js";

/** Return the notebook that a widget is part of; null for a widget elsewhere. */
export function panelOf(widget: Widget): NotebookPanel | null {
  for (let at: Widget | null = widget; at; at = at.parent) {
    if ("sessionContext" in at && "content" in at && "context" in at) return at as unknown as NotebookPanel;
  }
  return null;
}

/** Return the code cells of a notebook's model, in order; none of a panel's that was closed. */
export function codeCells(model: { readonly cells: Iterable<ICellModel> } | null): ICodeCellModel[] {
  return [...(model?.cells ?? [])].filter((cell): cell is ICodeCellModel => cell.type === "code");
}

export function outputsOf({ outputs }: ICodeCellModel): IOutputModel[] {
  return Array.from({ length: outputs.length }, (_, at) => outputs.get(at));
}

/** Return the index of a cell; -1 when the notebook does not have it. */
export function cellIndex(panel: NotebookPanel, id: string): number {
  return [...(panel.content.model?.cells ?? [])].findIndex((cell) => cell.id === id);
}

/** Return the tasks that a cell shows. */
export function tasksIn(cell: ICodeCellModel): OutputMetadata[] {
  return outputsOf(cell).flatMap(({ metadata }) => parseOutputMetadata(metadata) ?? []);
}

/** Return the id of a notebook's kernel; null without one. */
export function kernelOf(panel: NotebookPanel): string | null {
  return panel.sessionContext.session?.kernel?.id ?? null;
}

/** Call `then` when a notebook gets another kernel, or its first, which may be long after its cells are there. */
export function onceKernelChanges({ sessionContext }: NotebookPanel, then: () => void): void {
  const changed = () => {
    sessionContext.kernelChanged.disconnect(changed);
    then();
  };
  sessionContext.kernelChanged.connect(changed);
}
