/** The cells that this page ran: whether their kernel's outputs still come here, and which tasks they showed. */

import type { Cell, ICodeCellModel } from "@jupyterlab/cells";
import type { Notebook } from "@jupyterlab/notebook";
import { tasksIn } from "../notebooks.js";
import type { ViewHistory } from "./history.js";

/** The parts of a code cell's widget that are used here. */
interface CodeWidget {
  readonly model: ICodeCellModel;
  readonly outputArea: { readonly future: unknown };
}

export class OwnRuns {
  /** The tasks that each cell showed last, by the cell's id. */
  readonly #shown = new Map<string, string[]>();
  readonly #history: ViewHistory;
  readonly #page: number;
  readonly #changed: () => void;

  /** `page`: this page's id in the room. `changed` is called when a view may be lost. */
  constructor(history: ViewHistory, page: number, changed: () => void) {
    this.#history = history;
    this.#page = page;
    this.#changed = changed;
  }

  /** Note that this page runs a cell: the outputs come here until the cell is deleted or another page moves it. */
  add(notebook: Notebook, cell: Cell): void {
    const { id } = cell.model;
    this.#history.setRunner(id, this.#page);
    // A move makes a new cell of the same id. On the page that moves it, JupyterLab lets it receive the outputs at once.
    cell.disposed.connect(() => queueMicrotask(() => this.#check(notebook, id)));
  }

  /** Note what a cell shows, if this page ran it. */
  setShown(cell: ICodeCellModel): void {
    if (!this.#isOwn(cell.id)) return;
    const tasks = tasksIn(cell).map(({ id }) => id);
    this.#shown.set(cell.id, tasks);
    for (const task of tasks) this.#history.setShown(task, true);
  }

  #check(notebook: Notebook, id: string): void {
    if (notebook.isDisposed || !this.#isOwn(id)) return;
    const cell = notebook.widgets.find(({ model }) => model.id === id);
    const code = cell?.model.type === "code" ? (cell as unknown as CodeWidget) : null;
    if (code) this.#noteLost(code.model);
    if (code?.outputArea.future) return;
    this.#history.setRunner(id, null);
    this.#changed();
  }

  /** Note which views went into the old cell while the other page moved it. */
  #noteLost(moved: ICodeCellModel): void {
    const kept = new Set(tasksIn(moved).map(({ id }) => id));
    for (const task of this.#shown.get(moved.id) ?? [])
      if (!kept.has(task)) this.#history.setShown(task, false);
  }

  #isOwn(cell: string): boolean {
    return this.#history.runnerOf(cell) === this.#page;
  }
}
