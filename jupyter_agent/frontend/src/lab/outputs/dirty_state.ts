/** The dirty state of notebooks: which of our changes count as unsaved, and which cells ran on this page.
 *
 * The same notebook may be open in several tabs, and each of them writes the end state of a task into its outputs. If
 * all of them saved that, all but one would find that the file has changed on disk, and ask the user. So a tab marks the
 * notebook as changed only if it ran a cell of it, or has had it open for longer than any other tab. */

import type { ICellModel } from "@jupyterlab/cells";
import { NotebookActions, type INotebookModel, type NotebookPanel } from "@jupyterlab/notebook";

export class DirtyState {
  /** Notebooks that this page may mark as changed. */
  readonly #mayMark = new WeakSet<INotebookModel>();

  readonly #ran = new WeakSet<ICellModel>();

  constructor() {
    NotebookActions.executionScheduled.connect((_, { notebook, cell }) => {
      if (notebook.model) this.#mayMark.add(notebook.model);
      this.#ran.add(cell.model);
    });
  }

  /** Return whether a cell ran on this page: its outputs are then what its kernel sent. */
  hasRun(cell: ICellModel): boolean {
    return this.#ran.has(cell);
  }

  /** Queue for the right to mark a notebook of the server at `base`: the tab that has had it open for longest gets it. */
  claim(panel: NotebookPanel, base: string): void {
    const locks = navigator.locks as LockManager | undefined; // absent on an insecure origin
    const hold = () => {
      if (panel.isDisposed) return;
      this.#mayMark.add(panel.context.model); // which several panels may show
      return new Promise<void>((resolve) => panel.disposed.connect(() => resolve()));
    };
    if (locks) void locks.request(`jupyter-agent ${base}${panel.context.path}`, hold);
    else void hold();
  }

  /** Change a notebook by calling `change`. It then counts as unsaved only if this page may mark it. */
  change(panel: NotebookPanel | null, change: () => void): void {
    const model = panel?.content.model;
    const keep = model?.dirty === false && !this.#mayMark.has(model);
    // `change` marks the notebook as changed; undo that where it was saved before and another tab will save it.
    change();
    if (model && keep) model.dirty = false;
  }
}
