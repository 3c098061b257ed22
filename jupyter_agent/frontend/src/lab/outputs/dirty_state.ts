/** What ran on this page, and whose changes of a notebook count as unsaved.
 *
 * The same notebook may be open in several tabs. When a task ends, all of them keep how; were all of them to save that,
 * all but one would find that the file has changed on disk, and ask. So only a tab that ran cells of the notebook marks
 * it as changed, and the one that has had it open for longest. */

import type { ICellModel } from "@jupyterlab/cells";
import { NotebookActions, type Notebook, type NotebookPanel } from "@jupyterlab/notebook";

export class Marks {
  /** Notebooks that this page may mark. */
  readonly #ours = new WeakSet<Notebook>();

  readonly #ran = new WeakSet<ICellModel>();

  constructor() {
    NotebookActions.executionScheduled.connect((_, { notebook, cell }) => {
      this.#ours.add(notebook);
      this.#ran.add(cell.model);
    });
  }

  /** Whether a cell ran on this page: what it shows then is what its kernel sent. */
  hasRun(cell: ICellModel): boolean {
    return this.#ran.has(cell);
  }

  /** A notebook of the server at `base` was opened: wait in the line of the tabs that have it. */
  claim(panel: NotebookPanel, base: string): void {
    const { locks } = navigator; // not there at an address that is not secure
    const hold = () => {
      if (panel.isDisposed) return;
      this.#ours.add(panel.content);
      return new Promise<void>((resolve) => panel.disposed.connect(() => resolve()));
    };
    if (locks) void locks.request(`jupyter-agent ${base}${panel.context.path}`, hold);
    else void hold();
  }

  /** Change a notebook by `change`; after it, it counts as unsaved only if this page may say so. */
  change(panel: NotebookPanel | null, change: () => void): void {
    const model = panel?.content.model;
    const keep = model?.dirty === false && !this.#ours.has(panel!.content);
    change();
    if (model && keep) model.dirty = false;
  }
}
