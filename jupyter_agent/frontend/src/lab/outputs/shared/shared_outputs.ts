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
/** An output that another program wrote as a whole, such as jupyter-server-nbmodel. */
type PlainOutput = Partial<Output>;
/** The parts of a cell in the document that are used here. */
interface SharedCell {
  readonly youtputs: { toArray(): (SharedOutput | PlainOutput)[] };
  transact(change: () => void, undoable: boolean): void;
  updateOutputs(start: number, end: number, outputs: PlainOutput[]): void;
}

/** A task's view in a cell. `restored`: a page put it there, not a kernel. */
export interface ShownTask {
  readonly task: string | null;
  readonly restored: boolean;
}

/** Return whether the document lacks the end state of `task` in an output of this cell. */
export function lacksEndState(cell: ICodeCellModel, task: Snapshot): boolean {
  return sharedOutputs(cell).some((output) => lacksEnd(contentOf(output), task));
}

/** Write a task's end state into the outputs that lack it.
 *
 * Fields of an output are replaced, and not the output: what two pages replace at the same time would be there twice.
 * JupyterLab's models do not notice it; their views get the state from the server. */
export function writeEndState(cell: ICodeCellModel, task: Snapshot, staticHtml: string | null): void {
  sharedCell(cell).transact(() => {
    sharedOutputs(cell).forEach((output, at) => {
      const content = contentOf(output);
      if (!lacksEnd(content, task)) return;
      const { data, metadata } = withEndState(content, task, staticHtml);
      if (isMap(output)) {
        output.set("data", data);
        output.set("metadata", metadata);
      } else {
        // It has no fields, and is replaced by one that has: marked, so that of two of them one goes.
        const marked = { ...metadata, [TASK_MIME]: { ...(metadata[TASK_MIME] as object), restored: true } };
        sharedCell(cell).updateOutputs(at, at + 1, [{ ...output, data, metadata: marked }]);
      }
    });
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

function lacksEnd(content: Output, task: Snapshot): boolean {
  const attempt = parseOutputMetadata(content.metadata)?.snapshot?.attempt ?? 0;
  return isOutdated(content, task) && attempt <= task.attempt;
}

function shownTask({ metadata }: Output): ShownTask {
  const restored = (metadata[TASK_MIME] as { restored?: boolean } | undefined)?.restored === true;
  return { task: parseOutputMetadata(metadata)?.id ?? null, restored };
}

function sharedOutputs(cell: ICodeCellModel): (SharedOutput | PlainOutput)[] {
  return sharedCell(cell).youtputs.toArray();
}

function isMap(output: SharedOutput | PlainOutput): output is SharedOutput {
  return "set" in output;
}

function contentOf(output: SharedOutput | PlainOutput): Output {
  const field = (key: "data" | "metadata") => (isMap(output) ? output.get(key) : output[key]) ?? {};
  return { data: field("data") as Output["data"], metadata: field("metadata") as Output["metadata"] };
}

function sharedCell(cell: ICodeCellModel): SharedCell {
  return cell.sharedModel as unknown as SharedCell;
}
