/** Puts the views of tasks back that a page lost when it was left before its notebook was saved. */

import type { ICodeCellModel } from "@jupyterlab/cells";
import type { INotebookTracker, NotebookPanel } from "@jupyterlab/notebook";
import type { PartialJSONObject } from "@lumino/coreutils";
import { Backoff } from "../../net/backoff.js";
import type { TaskList } from "../../model/task_list_store.js";
import type { Server } from "../../net/server.js";
import type { Snapshot } from "../../net/types.js";
import { type CellNow, isStale, lostViews } from "./lost_views.js";
import type { Marks } from "./dirty_state.js";
import { TASK_MIME } from "./mime.js";
import { codeCells, kernelOf, toldIn } from "./notebooks.js";
import { stillPicture } from "./end_state.js";

/** Cells that are asked for at once: their ids travel in an address. */
const CELLS = 100;
const MOST = 1000;

export class PutBack {
  /** Cells that were emptied on this page. */
  readonly #emptied = new WeakSet<ICodeCellModel>();
  /** The cell that is being changed here. */
  #filling: ICodeCellModel | null = null;

  constructor(
    private readonly server: Server,
    private readonly marks: Marks,
  ) {}

  /** From now on, look after every notebook that is opened. */
  watch(tracker: INotebookTracker): void {
    tracker.forEach((panel) => void this.#restore(panel));
    tracker.widgetAdded.connect((_, panel) => void this.#restore(panel));
  }

  /** A task that begins in a cell whose run another page started, or this one before it was left. A shared
   * notebook gets the output from the page that runs it. */
  watchLate(list: TaskList, tracker: INotebookTracker): void {
    list.watchChanges((before, task) => {
      if (before !== null || task.attempt > 1) return;
      tracker.forEach((panel) => {
        if (panel.context.model.collaborative) return;
        const cell = codeCells(panel).find(({ id }) => id === task.cell);
        if (cell && kernelOf(panel) === task.kernel) void this.#fill(panel, cell, [task]);
      });
    });
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
        if (cell !== this.#filling && (type === "clear" || type === "remove")) this.#emptied.add(cell);
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
      const query = {
        notebook: panel.context.path,
        cells: cells.map(({ id }) => id).join(","),
        limit: String(MOST),
      };
      const response = await this.server.fetch(`tasks?${new URLSearchParams(query)}`).catch(() => null);
      if (response?.ok) return (await response.json()).tasks;
      if (response && response.status < 500) return [];
      await later(backoff.next(Math.random()));
    }
    return [];
  }

  async #fill(panel: NotebookPanel, cell: ICodeCellModel, tasks: Snapshot[]): Promise<void> {
    if (this.#lost(panel, cell, tasks).length === 0) return;
    const pictures = new Map<string, string | null>();
    for (const { id } of this.#lost(panel, cell, tasks))
      pictures.set(id, await stillPicture(this.server, id));
    // While the server was asked the cell may have run, or its notebook may have been closed.
    const lost = this.#lost(panel, cell, tasks);
    if (lost.length > 0) this.marks.change(panel, () => this.#put(panel, cell, lost, pictures));
  }

  #put(
    panel: NotebookPanel,
    cell: ICodeCellModel,
    lost: Snapshot[],
    pictures: Map<string, string | null>,
  ): void {
    this.#filling = cell;
    if (isStale(lost, cellNow(panel, cell))) cell.outputs.clear();
    for (const task of lost) putInto(cell, task, pictures.get(task.id) ?? null);
    this.#filling = null;
  }

  #lost(panel: NotebookPanel, cell: ICodeCellModel, tasks: Snapshot[]): Snapshot[] {
    if (panel.isDisposed || cell.isDisposed || this.#emptied.has(cell) || this.marks.hasRun(cell)) return [];
    return lostViews(tasks, cellNow(panel, cell));
  }
}

function cellNow(panel: NotebookPanel, cell: ICodeCellModel): CellNow {
  const told = toldIn(cell);
  const [shown, runs] = [told.map(({ id }) => id), told.map(({ snapshot }) => snapshot?.run ?? null)];
  return { id: cell.id, shown: new Set(shown), runs: new Set(runs), saved: savedAt(panel) };
}

/** Give a cell the output that its kernel gave it. */
function putInto(cell: ICodeCellModel, task: Snapshot, picture: string | null): void {
  // As after a run: a cell without outputs has nothing in it that a stranger made.
  if (cell.outputs.length === 0) cell.trusted = true;
  const slim = task.view === "slim" ? { slim: true } : {};
  cell.outputs.add({
    output_type: "display_data",
    data: {
      [TASK_MIME]: { v: 1 },
      ...(picture === null ? {} : { "text/html": picture }),
      "text/plain": `<Task ${task.name}>`,
    },
    metadata: {
      [TASK_MIME]: { task_id: task.id, snapshot: { ...task }, ...slim },
    } as unknown as PartialJSONObject,
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
