/** Puts the views of tasks back that a page lost when it was left before its notebook was saved. */

import type { ICodeCellModel } from "@jupyterlab/cells";
import { type INotebookTracker, NotebookActions, type NotebookPanel } from "@jupyterlab/notebook";
import type { PartialJSONObject } from "@lumino/coreutils";
import { Backoff } from "../net/backoff.js";
import type { Server } from "../net/server.js";
import type { Snapshot } from "../net/types.js";
import { lostViews } from "./lost.js";
import type { Marks } from "./marks.js";
import { TASK_MIME } from "./mime.js";
import { codeCells, shownIn } from "./notebooks.js";
import { stillPicture } from "./still.js";

/** Cells that are asked for at once: their ids travel in an address. */
const CELLS = 100;
const MOST = 1000;

export class PutBack {
  /** Cells that ran, or were emptied, on this page: what they show is right. */
  readonly #touched = new WeakSet<ICodeCellModel>();

  constructor(
    private readonly server: Server,
    private readonly marks: Marks,
  ) {}

  /** From now on, look after every notebook that is opened. */
  watch(tracker: INotebookTracker): void {
    NotebookActions.executionScheduled.connect((_, { cell }) => this.#touched.add(cell.model as ICodeCellModel));
    tracker.forEach((panel) => void this.#restore(panel));
    tracker.widgetAdded.connect((_, panel) => void this.#restore(panel));
  }

  async #restore(panel: NotebookPanel): Promise<void> {
    await panel.context.ready;
    this.marks.claim(panel, this.server.base);
    const cells = codeCells(panel);
    const stop = this.#watchCleared(cells);
    const tasks = await this.#tasksOf(panel, cells);
    for (const cell of cells) await this.#fill(panel, cell, tasks);
    stop();
  }

  #watchCleared(cells: ICodeCellModel[]): () => void {
    const stops = cells.map((cell) => {
      const changed = (_: unknown, { type }: { type: string }) => {
        if (type === "clear" || type === "remove") this.#touched.add(cell);
      };
      cell.outputs.changed.connect(changed);
      return () => !cell.isDisposed && cell.outputs.changed.disconnect(changed);
    });
    return () => stops.forEach((stop) => stop());
  }

  /** The tasks of these cells; none when the server does not tell. Asks until it is there. */
  async #tasksOf(panel: NotebookPanel, cells: ICodeCellModel[]): Promise<Snapshot[]> {
    const found: Snapshot[] = [];
    for (let at = 0; at < cells.length; at += CELLS) {
      found.push(...(await this.#ask(panel, cells.slice(at, at + CELLS))));
    }
    return found;
  }

  async #ask(panel: NotebookPanel, cells: ICodeCellModel[]): Promise<Snapshot[]> {
    const backoff = new Backoff();
    while (!panel.isDisposed) {
      const query = { notebook: panel.context.path, cells: cells.map(({ id }) => id).join(","), limit: String(MOST) };
      const response = await this.server.fetch(`tasks?${new URLSearchParams(query)}`).catch(() => null);
      if (response?.ok) return (await response.json()).tasks;
      if (response && response.status < 500) return [];
      await later(backoff.next(Math.random()));
    }
    return [];
  }

  async #fill(panel: NotebookPanel, cell: ICodeCellModel, tasks: Snapshot[]): Promise<void> {
    for (const task of this.#lost(panel, cell, tasks)) {
      const picture = await stillPicture(this.server, task.id);
      // While the server was asked the cell may have run, or its notebook may have been closed.
      if (this.#lost(panel, cell, [task]).length > 0) this.marks.change(panel, () => putInto(cell, task, picture));
    }
  }

  #lost(panel: NotebookPanel, cell: ICodeCellModel, tasks: Snapshot[]): Snapshot[] {
    if (panel.isDisposed || cell.isDisposed || this.#touched.has(cell)) return [];
    return lostViews(tasks, { id: cell.id, shown: shownIn(cell), saved: savedAt(panel) });
  }
}

/** Give a cell the output that its kernel gave it. */
function putInto(cell: ICodeCellModel, task: Snapshot, picture: string | null): void {
  // As after a run: a cell without outputs has nothing in it that a stranger made.
  if (cell.outputs.length === 0) cell.trusted = true;
  const slim = task.view === "slim" ? { slim: true } : {};
  cell.outputs.add({
    output_type: "display_data",
    data: { [TASK_MIME]: { v: 1 }, ...(picture === null ? {} : { "text/html": picture }), "text/plain": `<Task ${task.name}>` },
    metadata: { [TASK_MIME]: { task_id: task.id, snapshot: { ...task }, ...slim } } as unknown as PartialJSONObject,
  });
}

/** When the notebook's file was last saved, Unix seconds; 0 when nobody knows. */
function savedAt(panel: NotebookPanel): number {
  const saved = Date.parse(panel.context.contentsModel?.last_modified ?? "");
  return Number.isNaN(saved) ? 0 : saved / 1000;
}

function later(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
