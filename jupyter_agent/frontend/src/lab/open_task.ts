/** From a task to the cell that started it. */

import type { JupyterFrontEnd } from "@jupyterlab/application";
import { PageConfig } from "@jupyterlab/coreutils";
import type { INotebookTracker, NotebookPanel } from "@jupyterlab/notebook";
import type { Snapshot } from "../net/types.js";
import { codeCells, kernelOf, toldIn } from "./outputs/notebooks.js";
import { pathsBelow } from "./contents_paths.js";

const OPEN = "docmanager:open";

/** Shows a task by itself, beside its notebook where that is open. */
export type ShowAlone = (task: Snapshot, beside: NotebookPanel | null) => void;

/** Leads to tasks' cells. `alone` is called for a task that no cell shows. */
export class Opener {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly tracker: INotebookTracker | null,
    private readonly alone: ShowAlone,
  ) {}

  readonly open = (task: Snapshot): void => void this.#open(task);

  async #open(task: Snapshot): Promise<void> {
    const open = this.#shown(task);
    const panel = open ?? (task.cell === null ? null : await this.#load(task));
    if (!panel) return this.alone(task, null);
    this.app.shell.activateById(panel.id);
    await panel.context.ready;
    const found = task.cell !== null && (await goTo(panel, task.cell));
    // A view that a notebook lost is put back when it is opened.
    if (!found || (open && !showsTask(panel, task))) this.alone(task, panel);
  }

  /** The notebook that is open already: the one with the task's kernel, or else with its cell. */
  #shown(task: Snapshot): NotebookPanel | null {
    const { tracker } = this;
    if (!tracker || !task.cell) return null;
    const withCell = tracker.filter((panel) => cellIndex(panel, task.cell!) >= 0);
    return withCell.find((panel) => kernelOf(panel) === task.kernel) ?? withCell[0] ?? null;
  }

  async #load(task: Snapshot): Promise<NotebookPanel | null> {
    const path = await this.#pathOf(task);
    if (path === null || !this.tracker || !this.app.commands.hasCommand(OPEN)) return null;
    const opened = await this.app.commands.execute(OPEN, { path }).catch(() => null);
    return this.tracker.find((panel) => panel === opened) ?? null;
  }

  /** Where the server has the notebook; null when nobody knows. */
  async #pathOf(task: Snapshot): Promise<string | null> {
    const { sessions, contents } = this.app.serviceManager;
    const session = task.kernel && [...sessions.running()].find(({ kernel }) => kernel?.id === task.kernel);
    if (session) return session.path;
    for (const path of pathsBelow(PageConfig.getOption("serverRoot"), task.notebook ?? "")) {
      if (
        await contents.get(path, { content: false }).then(
          () => true,
          () => false,
        )
      )
        return path;
    }
    return null;
  }
}

/** Show a cell, and make it the active one; false when it is not there. */
async function goTo(panel: NotebookPanel, cell: string): Promise<boolean> {
  const at = cellIndex(panel, cell);
  if (at < 0) return false;
  panel.content.activeCellIndex = at;
  await panel.content.scrollToItem(at, "smart");
  return true;
}

function showsTask(panel: NotebookPanel, { id }: Snapshot): boolean {
  return codeCells(panel).some((cell) => toldIn(cell).some((told) => told.id === id));
}

function cellIndex(panel: NotebookPanel, id: string): number {
  return [...(panel.content.model?.cells ?? [])].findIndex((cell) => cell.id === id);
}
