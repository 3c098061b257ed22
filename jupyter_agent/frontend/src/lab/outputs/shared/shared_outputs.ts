/** The outputs of a shared cell, changed so that any number of pages may do it at the same time. */

import type { ICodeCellModel } from "@jupyterlab/cells";
import type { Snapshot } from "../../../net/types.js";
import { type Output, isOutdated, withEndState } from "../end_state.js";
import { TASK_MIME, parseOutputMetadata } from "../mime.js";

/** An output in the document, a Yjs map. */
interface SharedOutput {
  get(key: string): unknown;
  set(key: string, value: unknown): void;
}
/** The parts of a cell in the document that are used here. */
interface SharedCell {
  readonly youtputs: { toArray(): SharedOutput[] };
  transact(change: () => void, undoable: boolean): void;
  updateOutputs(start: number, end: number, outputs: []): void;
}

/** A task's view in a cell. `restored`: a page put it there, not a kernel. */
export interface ShownTask {
  readonly task: string | null;
  readonly restored: boolean;
}

/** Return whether the document lacks the end state of `task` in an output of this cell. */
export function lacksEndState(cell: ICodeCellModel, task: Snapshot): boolean {
  return outdatedOutputs(cell, task).length > 0;
}

/** Write a task's end state into the outputs that lack it.
 *
 * Fields of an output are replaced, and not the output: what two pages replace at the same time would be there twice.
 * JupyterLab's models do not notice it; their views get the state from the server. */
export function writeEndState(cell: ICodeCellModel, task: Snapshot, staticHtml: string | null): void {
  sharedCell(cell).transact(() => {
    for (const output of outdatedOutputs(cell, task)) {
      const { data, metadata } = withEndState(contentOf(output), task, staticHtml);
      output.set("data", data);
      output.set("metadata", metadata);
    }
  }, false); // undo is for what the user did
}

/** Remove restored views of tasks that the cell shows anyway. Every page removes the same ones. */
export function removeDoubles(cell: ICodeCellModel): void {
  const shown = sharedOutputs(cell).map((output) => shownTask(contentOf(output)));
  for (const at of doublesIn(shown).reverse()) sharedCell(cell).updateOutputs(at, at + 1, []);
}

/** Return the indices of restored views whose task a kernel's output shows, too, or a restored one before. */
export function doublesIn(shown: readonly ShownTask[]): number[] {
  const isDouble = ({ task, restored }: ShownTask, at: number) =>
    restored && shown.some((other, n) => other.task === task && (!other.restored || n < at));
  return shown.flatMap((one, at) => (isDouble(one, at) ? [at] : []));
}

function outdatedOutputs(cell: ICodeCellModel, task: Snapshot): SharedOutput[] {
  return sharedOutputs(cell).filter((output) => {
    const content = contentOf(output);
    const attempt = parseOutputMetadata(content.metadata)?.snapshot?.attempt ?? 0;
    return isOutdated(content, task) && attempt <= task.attempt;
  });
}

function shownTask({ metadata }: Output): ShownTask {
  const restored = (metadata[TASK_MIME] as { restored?: boolean } | undefined)?.restored === true;
  return { task: parseOutputMetadata(metadata)?.id ?? null, restored };
}

function sharedOutputs(cell: ICodeCellModel): SharedOutput[] {
  return sharedCell(cell).youtputs.toArray();
}

function contentOf(output: SharedOutput): Output {
  return { data: objectIn(output, "data"), metadata: objectIn(output, "metadata") };
}

function objectIn(output: SharedOutput, key: string): Record<string, unknown> {
  return (output.get(key) ?? {}) as Record<string, unknown>;
}

function sharedCell(cell: ICodeCellModel): SharedCell {
  return cell.sharedModel as unknown as SharedCell;
}
