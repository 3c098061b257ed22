/** Restoration of views that were lost because the page was left unsaved. */

import type { ICodeCellModel } from "@jupyterlab/cells";
import type { INotebookTracker, NotebookPanel } from "@jupyterlab/notebook";
import { Backoff } from "../../net/backoff.js";
import type { TaskPage } from "../../model/lookups.js";
import type { TaskListStore } from "../../model/task_list_store.js";
import { isTemporary, type Server } from "../../net/server.js";
import type { Snapshot } from "../../net/types.js";
import { isStale, lostViews } from "./lost_views.js";
import type { DirtyState } from "./dirty_state.js";
import { addOutput, cellState } from "./lost_output.js";
import { codeCells, kernelOf, onceKernelChanges } from "./notebooks.js";
import { fetchTaskHtml } from "./end_state.js";
import type { SharedNotebooks } from "./shared_notebooks.js";
import { sleep } from "./sleep.js";

/** Cells in one request: their ids are part of the URL. */
const CELLS_PER_REQUEST = 100;
/** Tasks in one answer. */
const MAX_TASKS = 1000;

export class ViewRestorer {
  /** Cells whose outputs were cleared on this page: their views are not lost. */
  readonly #emptied = new WeakSet<ICodeCellModel>();
  /** The cell whose outputs this class is changing: no user clears them. */
  #filling: ICodeCellModel | null = null;

  /** Whether the list reports every task that is queued from now on. */
  #isListLoaded = false;
  #noteListLoaded!: () => void;
  readonly #listLoaded = new Promise<void>((resolve) => (this.#noteListLoaded = resolve));

  readonly #server: Server;
  readonly #dirtyState: DirtyState;
  readonly #shared: SharedNotebooks;

  constructor(server: Server, dirtyState: DirtyState, shared: SharedNotebooks) {
    this.#server = server;
    this.#dirtyState = dirtyState;
    this.#shared = shared;
  }

  /** Restore the views of every open notebook, and of those opened later. */
  watch(tracker: INotebookTracker): void {
    tracker.forEach((panel) => void this.#restore(panel));
    tracker.widgetAdded.connect((_, panel) => void this.#restore(panel));
  }

  /** Show new tasks in cells whose run was started by another page, or by this one before it was left. */
  watchNewTasks(list: TaskListStore, tracker: INotebookTracker): void {
    list.subscribeToChanges((before, task) => {
      if (before === null && task.attempt === 1) tracker.forEach((panel) => this.#showNew(panel, task));
    });
    const stop = list.subscribe(() => note());
    const note = () => {
      if (!list.isLoaded) return;
      this.#isListLoaded = true;
      this.#noteListLoaded();
      stop();
    };
    note();
  }

  #showNew(panel: NotebookPanel, task: Snapshot): void {
    const cell = codeCells(panel.content.model).find(({ id }) => id === task.cell);
    const kernel = kernelOf(panel);
    if (!cell || (kernel !== null && kernel !== task.kernel)) return;
    if (kernel === null) return onceKernelChanges(panel, () => this.#showNew(panel, task));
    const shared = this.#shared.of(panel);
    if (shared) void shared.then((notebook) => notebook.restore([task]));
    else void this.#fill(panel, cell, [task]);
  }

  async #restore(panel: NotebookPanel): Promise<void> {
    await panel.context.ready;
    const cells = codeCells(panel.content.model);
    const shared = this.#shared.of(panel);
    if (!shared) this.#dirtyState.claim(panel, this.#server.base);
    const stop = shared ? null : this.#watchCleared(cells);
    const isListLoaded = this.#isListLoaded;
    await this.#restoreCells(panel, cells);
    if (!isListLoaded) {
      // The list does not report what it begins with: tasks that were queued after that request, too.
      await this.#listLoaded;
      await this.#restoreCells(panel, cells);
    }
    stop?.();
  }

  async #restoreCells(panel: NotebookPanel, cells: ICodeCellModel[]): Promise<void> {
    const tasks = await this.#fetchTasks(panel, cells);
    if (!tasks) return;
    const shared = this.#shared.of(panel);
    if (shared) return (await shared).restore(tasks);
    for (const cell of cells) await this.#fill(panel, cell, tasks);
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

  /** Fetch the tasks of these cells, with retries until the server is there; null when it refuses. */
  async #fetchTasks(panel: NotebookPanel, cells: ICodeCellModel[]): Promise<Snapshot[] | null> {
    const found: Snapshot[] = [];
    for (let at = 0; at < cells.length; at += CELLS_PER_REQUEST) {
      const tasks = await this.#fetchTasksOfCells(panel, cells.slice(at, at + CELLS_PER_REQUEST));
      if (!tasks) return null;
      found.push(...tasks);
    }
    return found;
  }

  async #fetchTasksOfCells(panel: NotebookPanel, cells: ICodeCellModel[]): Promise<Snapshot[] | null> {
    const backoff = new Backoff();
    while (!panel.isDisposed) {
      const query = {
        notebook: panel.context.path,
        cells: cells.map(({ id }) => id).join(","),
        limit: String(MAX_TASKS),
      };
      const response = await this.#server.fetch(`tasks?${new URLSearchParams(query)}`).catch(() => null);
      if (response?.ok) return ((await response.json()) as TaskPage).tasks;
      if (response && !isTemporary(response)) return null;
      await sleep(backoff.next(Math.random()));
    }
    return null;
  }

  async #fill(panel: NotebookPanel, cell: ICodeCellModel, tasks: Snapshot[]): Promise<void> {
    if (this.#lostViews(panel, cell, tasks).length === 0) return;
    const htmlByTask = new Map<string, string | null>();
    for (const { id } of this.#lostViews(panel, cell, tasks))
      htmlByTask.set(id, await fetchTaskHtml(this.#server, id));
    // Look again: during the requests the cell may have run, or its notebook may have been closed.
    const lost = this.#lostViews(panel, cell, tasks);
    if (lost.length > 0)
      this.#dirtyState.change(panel, () => this.#addOutputs(panel, cell, lost, htmlByTask));
  }

  #addOutputs(
    panel: NotebookPanel,
    cell: ICodeCellModel,
    lost: Snapshot[],
    htmlByTask: Map<string, string | null>,
  ): void {
    this.#filling = cell;
    if (isStale(lost, cellState(panel.context, cell))) cell.outputs.clear();
    for (const task of lost) addOutput(cell, task, htmlByTask.get(task.id) ?? null);
    this.#filling = null;
  }

  #lostViews(panel: NotebookPanel, cell: ICodeCellModel, tasks: Snapshot[]): Snapshot[] {
    if (panel.isDisposed || cell.isDisposed || this.#emptied.has(cell) || this.#dirtyState.hasRun(cell))
      return [];
    return lostViews(tasks, cellState(panel.context, cell));
  }
}
