/** "Run Cell as Task": puts `%%task` at the top of the cell, where everyone can see it, and runs the cell. */

import { Notification } from "@jupyterlab/apputils";
import { type INotebookTracker, NotebookActions, type NotebookPanel } from "@jupyterlab/notebook";

const MAGIC = /^%%task(?![\w.])/;
/** Milliseconds after which a kernel that has not answered is busy. Its status does not tell: a request to its debugger
 * makes it idle while it runs a cell. */
const PATIENCE = 500;
const WAITING = "The kernel is busy. The cell runs as a task as soon as it is free.";
const CANNOT_IMPORT =
  "This notebook’s kernel cannot import jupyter_agent; install it there: %pip install jupyter_agent";
/** Registers the magic in the kernel. */
const LOAD = "get_ipython().run_line_magic('load_ext', 'jupyter_agent')";

/** Return whether the active cell is one of Python code. */
export function canRunCell(tracker: INotebookTracker): boolean {
  const panel = tracker.currentWidget;
  return (
    tracker.activeCell?.model.type === "code" && panel?.content.model?.defaultKernelLanguage === "python"
  );
}

/** Run the active cell, also if another one is active by the time that the kernel has answered. */
export async function runCell(tracker: INotebookTracker): Promise<void> {
  const [panel, cell] = [tracker.currentWidget, tracker.activeCell];
  if (!panel || !cell || !canRunCell(tracker)) return;
  const refusal = await loadMagic(panel);
  if (refusal) {
    Notification.error(refusal, { autoClose: 5000 });
    return;
  }
  if (cell.isDisposed) return;
  const { sharedModel } = cell.model;
  if (!MAGIC.test(sharedModel.getSource())) sharedModel.updateSource(0, 0, "%%task\n");
  await NotebookActions.runCells(panel.content, [cell], panel.sessionContext);
}

/** Resolve with why the notebook's kernel cannot run tasks; empty when it can. */
async function loadMagic({ sessionContext }: NotebookPanel): Promise<string> {
  await sessionContext.ready;
  const kernel = sessionContext.session?.kernel;
  if (!kernel) return "This notebook has no kernel.";
  let waiting = "";
  const patience = setTimeout(() => (waiting = Notification.info(WAITING, { autoClose: false })), PATIENCE);
  try {
    const reply = await kernel.requestExecute({ code: LOAD, silent: true, store_history: false }).done;
    return reply.content.status === "ok" ? "" : CANNOT_IMPORT;
  } catch (error) {
    return `The kernel did not answer: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    clearTimeout(patience);
    if (waiting) Notification.dismiss(waiting);
  }
}
