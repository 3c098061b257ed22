/** Places in cells: finding the line of a traceback in a notebook that may have changed since. */

import type { NotebookPanel } from "@jupyterlab/notebook";
import type { CellPlace } from "../../model/traceback.js";

/** What a cell shows of itself: its source, and its number as in [8]. */
export interface NumberedCell {
  readonly source: string;
  readonly number: number | null;
}

/** Return the index of the cell of `place`: the one with this line, preferably the one that has its number still; else -1. */
export function cellAt(cells: readonly NumberedCell[], { number, line, source }: CellPlace): number {
  const text = source.trim();
  const found = cells.flatMap((cell, at) => (cell.source.split("\n")[line - 1]?.trim() === text ? [at] : []));
  if (!text || found.length === 0) return cells.findIndex((cell) => cell.number === number);
  return found.find((at) => cells[at]!.number === number) ?? found[0]!;
}

/** Return whether a notebook has the line of `place`, wherever its cell is. */
export function hasLine({ content }: NotebookPanel, place: CellPlace): boolean {
  const cells = numberedCells(content.widgets);
  const text = place.source.trim();
  return text !== "" && cells.some(({ source }) => source.split("\n")[place.line - 1]?.trim() === text);
}

/** Put the cursor at `place`. Return whether its cell is there. */
export function goToLine({ content }: NotebookPanel, place: CellPlace): boolean {
  const at = cellAt(numberedCells(content.widgets), place);
  if (at < 0) return false;
  content.activeCellIndex = at;
  void content.scrollToItem(at, "smart").then(() => {
    content.mode = "edit";
    content.activeCell?.editor?.setCursorPosition({ line: place.line - 1, column: 0 });
  });
  return true;
}

function numberedCells(widgets: NotebookPanel["content"]["widgets"]): NumberedCell[] {
  return widgets.map(({ model }) => ({
    source: model.type === "code" ? model.sharedModel.getSource() : "",
    number:
      model.type === "code"
        ? ((model.sharedModel as { execution_count?: number }).execution_count ?? null)
        : null,
  }));
}
