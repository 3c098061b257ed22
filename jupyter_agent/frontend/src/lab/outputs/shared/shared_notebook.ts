/** A notebook that several pages edit (real-time collaboration): one page writes views and end states into it.
 *
 * Which page that is follows from who is there (`room.ts`). For a moment two pages may take themselves for it, so each
 * change is one that may be made twice (`shared_outputs.ts`). */

import type { Cell, ICodeCellModel } from "@jupyterlab/cells";
import type { CellList, Notebook } from "@jupyterlab/notebook";
import type { IOutputAreaModel } from "@jupyterlab/outputarea";
import type { Server } from "../../../net/server.js";
import type { Snapshot } from "../../../net/types.js";
import { fetchTaskHtml } from "../end_state.js";
import { type NotebookContext, addOutput, cellState } from "../lost_output.js";
import { lostViews } from "../lost_views.js";
import { parseOutputMetadata } from "../mime.js";
import { codeCells, tasksIn } from "../notebooks.js";
import { ViewHistory, type SharedDoc } from "./history.js";
import { OwnRuns } from "./own_runs.js";
import { type Awareness, Room } from "./room.js";
import { lacksEndState, removeDoubles, writeEndState } from "./shared_outputs.js";

/** The parts of the shared document that are used here. */
interface SharedDocument {
  readonly awareness: Awareness;
  readonly ydoc: SharedDoc;
}

export class SharedNotebook {
  /** Tasks of the notebook's cells, for lost views. */
  readonly #tasks = new Map<string, Snapshot>();
  /** Tasks that ended, whole. They stay: undo and other changes of outputs may bring an older state back. */
  readonly #ended = new Map<string, Snapshot>();
  readonly #room: Room;
  readonly #history: ViewHistory;
  readonly #runs: OwnRuns;
  #joining: Promise<void> | null = null;
  #work: Promise<void> = Promise.resolve();
  #isPlanned = false;
  /** Whether the server has sent this page tasks, or their absence: a page that may not see them never writes. */
  #hasTasks = false;

  readonly #server: Server;
  readonly #context: NotebookContext;

  /** The document has been loaded. `now`: Unix seconds. */
  constructor(server: Server, context: NotebookContext, now: number) {
    this.#server = server;
    this.#context = context;
    const { awareness, ydoc } = context.model.sharedModel as unknown as SharedDocument;
    this.#room = new Room(awareness, () => this.#plan());
    this.#history = new ViewHistory(ydoc, now, () => this.#mayWrite);
    this.#runs = new OwnRuns(this.#history, this.#room.self, () => this.#plan());
    this.#watchCells(context.model.cells);
    context.model.cells.changed.connect(this.#watchCells, this);
    context.disposed.connect(() => this.#room.dispose());
  }

  /** Note that this page runs a cell: its kernel's outputs come here. */
  setRan(notebook: Notebook, cell: Cell): void {
    this.#runs.add(notebook, cell);
  }

  /** Restore lost views of these tasks, now or when the page that would receive their outputs has left. */
  restore(tasks: readonly Snapshot[]): void {
    for (const task of tasks) this.#tasks.set(task.id, task);
    this.#hasTasks = true;
    this.#plan();
  }

  /** Save the end state of a task, now or when this page is the one that writes. */
  saveEnd(task: Snapshot): void {
    this.#ended.set(task.id, task);
    this.#hasTasks = true;
    this.#plan();
  }

  #plan(): void {
    if (this.#isPlanned || !this.#hasTasks) return;
    this.#isPlanned = true;
    const write = () => this.#write();
    this.#work = this.#work.then(write, write); // a fault in one pass must not end the next ones
  }

  async #write(): Promise<void> {
    await (this.#joining ??= this.#join());
    this.#isPlanned = false;
    for (const cell of this.#isWriter ? codeCells(this.#context.model) : []) {
      await this.#restoreViews(cell);
      await this.#saveEnds(cell);
    }
  }

  /** A page that may not write does not take part: it changes nothing in the document, whoever else is there. */
  async #join(): Promise<void> {
    if (this.#mayWrite) await this.#room.join();
  }

  get #mayWrite(): boolean {
    const { contentsModel, model } = this.#context;
    return !model.readOnly && contentsModel?.writable !== false;
  }

  get #isWriter(): boolean {
    return !this.#context.isDisposed && this.#room.writer === this.#room.self;
  }

  async #restoreViews(cell: ICodeCellModel): Promise<void> {
    const htmlByTask = new Map<string, string | null>();
    for (const { id } of this.#lostViews(cell)) htmlByTask.set(id, await fetchTaskHtml(this.#server, id));
    // Look again: during the requests the output may have arrived, or another page may have become the writer.
    for (const task of this.#lostViews(cell)) {
      addOutput(cell, task, htmlByTask.get(task.id) ?? null, { restored: true });
      this.#history.setShown(task.id, true);
    }
  }

  #lostViews(cell: ICodeCellModel): Snapshot[] {
    if (!this.#isWriter || cell.isDisposed) return [];
    const runner = this.#history.runnerOf(cell.id);
    if (runner !== null && this.#room.has(runner)) return [];
    const state = cellState(this.#context, cell);
    const saved = Math.min(state.saved, this.#history.since);
    return lostViews([...this.#tasks.values()], { ...state, saved }).filter(
      ({ id }) => !this.#history.hasShown(id),
    );
  }

  async #saveEnds(cell: ICodeCellModel): Promise<void> {
    for (const { id } of cell.isDisposed ? [] : tasksIn(cell)) {
      const task = this.#ended.get(id);
      if (!task || !lacksEndState(cell, task)) continue;
      const staticHtml = await fetchTaskHtml(this.#server, id);
      if (!this.#isWriter || cell.isDisposed) return;
      writeEndState(cell, task, staticHtml);
      this.#context.model.dirty = true; // until the server has saved it
    }
  }

  #watchCells(cells: CellList): void {
    for (const cell of codeCells({ cells })) cell.outputs.changed.connect(this.#onOutputs, this);
    this.#plan();
  }

  #onOutputs(outputs: IOutputAreaModel, { newValues, oldValues }: IOutputAreaModel.ChangedArgs): void {
    if (![...newValues, ...oldValues].some(({ metadata }) => parseOutputMetadata(metadata))) return;
    // JupyterLab's own handlers, which know outputs by their index, come first.
    queueMicrotask(() => this.#onShown(outputs));
  }

  #onShown(outputs: IOutputAreaModel): void {
    const cell = this.#context.isDisposed
      ? undefined
      : codeCells(this.#context.model).find((one) => one.outputs === outputs);
    if (!cell) return;
    if (this.#mayWrite) removeDoubles(cell);
    this.#runs.setShown(cell);
    this.#plan();
  }
}
