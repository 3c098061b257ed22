/** Notebooks of the page: whose a widget is, and where a task's output is. */

import type { ICodeCellModel } from "@jupyterlab/cells";
import type { NotebookPanel } from "@jupyterlab/notebook";
import type { IOutputModel } from "@jupyterlab/rendermime";
import type { Widget } from "@lumino/widgets";
import { toldOf, type Told } from "./mime.js";

/** The notebook that a widget is part of; null for one that is shown elsewhere. */
export function panelOf(widget: Widget): NotebookPanel | null {
  for (let at: Widget | null = widget; at; at = at.parent) {
    if ("sessionContext" in at && "content" in at && "context" in at) return at as unknown as NotebookPanel;
  }
  return null;
}

/** The code cells of a notebook, in order. */
export function codeCells(panel: NotebookPanel): ICodeCellModel[] {
  const cells = [...(panel.content.model?.cells ?? [])];
  return cells.filter((cell): cell is ICodeCellModel => cell.type === "code");
}

export function outputsOf({ outputs }: ICodeCellModel): IOutputModel[] {
  return Array.from({ length: outputs.length }, (_, at) => outputs.get(at));
}

/** The tasks that a cell shows. */
export function toldIn(cell: ICodeCellModel): Told[] {
  return outputsOf(cell).flatMap(({ metadata }) => toldOf(metadata) ?? []);
}

/** The kernel of a notebook; null for none. */
export function kernelOf(panel: NotebookPanel): string | null {
  return panel.sessionContext.session?.kernel?.id ?? null;
}
