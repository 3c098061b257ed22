/** Opening a task: at the cell that started it, or in a tab. */

import type { JupyterFrontEnd } from "@jupyterlab/application";
import { Notification } from "@jupyterlab/apputils";
import { PageConfig } from "@jupyterlab/coreutils";
import type { INotebookTracker, NotebookPanel } from "@jupyterlab/notebook";
import type { Snapshot } from "../net/types.js";
import type { CellPlace } from "../model/traceback.js";
import { goToLine, hasLine } from "./outputs/cell_place.js";
import { cellIndex, codeCells, kernelOf, tasksIn } from "./outputs/notebooks.js";
import { pathsBelow } from "./contents_paths.js";

const OPEN = "docmanager:open";

/** Shows a task in a view of its own, beside its notebook where that is open. */
export type ShowStandalone = (task: Snapshot, beside: NotebookPanel | null) => void;

/** `showStandalone` is called for a task that no cell shows. */
export class TaskOpener {
  readonly #app: JupyterFrontEnd;
  readonly #tracker: INotebookTracker | null;
  readonly #showStandalone: ShowStandalone;

  constructor(app: JupyterFrontEnd, tracker: INotebookTracker | null, showStandalone: ShowStandalone) {
    this.#app = app;
    this.#tracker = tracker;
    this.#showStandalone = showStandalone;
  }

  /** Open a task, or the notebook that it is from, or a line in that. */
  readonly open = (task: Snapshot, place?: CellPlace | "notebook"): void => {
    if (!place || (place === "notebook" && task.kind !== "notebook")) void this.#open(task);
    else void this.#goTo(task, place);
  };

  /** Go to a line of the task's notebook, which is opened if no open one has the line. */
  async #goTo(task: Snapshot, place: CellPlace | "notebook"): Promise<void> {
    const known = place === "notebook" ? null : this.#panelWith(task, place);
    const path = known?.context.path ?? (await this.#pathOf(task));
    if (path === null) return this.#tell("The notebook of this task is not in the folder of this server.");
    const panel = known ?? (await this.#openFile(path));
    if (!panel) return; // Notebook 7 opens it in a tab of the browser
    this.#app.shell.activateById(panel.id);
    await Promise.all([panel.context.ready, panel.revealed]);
    if (place !== "notebook" && !goToLine(panel, place))
      this.#tell("The notebook does not have this line any more.");
  }

  /** Return an open notebook that may have run as the task, or started it, and has the line. */
  #panelWith(task: Snapshot, place: CellPlace): NotebookPanel | null {
    if (task.kind !== "notebook") return this.#openPanel(task);
    const panels = this.#tracker?.filter((panel) => hasLine(panel, place)) ?? [];
    const isOwn = ({ context }: NotebookPanel) => context.path.endsWith(`${task.name}.ipynb`);
    return panels.find(isOwn) ?? panels[0] ?? null;
  }

  #tell(sentence: string): void {
    Notification.info(sentence, { autoClose: 5000 });
  }

  async #open(task: Snapshot): Promise<void> {
    const open = this.#openPanel(task);
    const panel = open ?? (task.cell === null ? null : await this.#openNotebook(task));
    if (!panel) return this.#showStandalone(task, null);
    this.#app.shell.activateById(panel.id);
    await panel.context.ready;
    const found = task.cell !== null && (await scrollToCell(panel, task.cell));
    // A notebook that has just been opened gets its lost views back: see `outputs/restore.ts`.
    if (!found || (open && !showsTask(panel, task))) this.#showStandalone(task, panel);
  }

  /** Return an open notebook with the task's cell, preferably the one with its kernel, too. */
  #openPanel(task: Snapshot): NotebookPanel | null {
    const tracker = this.#tracker;
    if (!tracker || !task.cell) return null;
    const withCell = tracker.filter((panel) => cellIndex(panel, task.cell!) >= 0);
    return withCell.find((panel) => kernelOf(panel) === task.kernel) ?? withCell[0] ?? null;
  }

  async #openNotebook(task: Snapshot): Promise<NotebookPanel | null> {
    const path = await this.#pathOf(task);
    return path === null ? null : this.#openFile(path);
  }

  /** Resolves with null where the page does not show it. */
  async #openFile(path: string): Promise<NotebookPanel | null> {
    if (!this.#tracker || !this.#app.commands.hasCommand(OPEN)) return null;
    const opened: unknown = await this.#app.commands.execute(OPEN, { path }).catch(() => null);
    return this.#tracker.find((panel) => panel === opened) ?? null;
  }

  /** Return the notebook's path on the server; null when it cannot be found. */
  async #pathOf(task: Snapshot): Promise<string | null> {
    const { sessions, contents } = this.#app.serviceManager;
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

/** Scroll to a cell and make it the active one. Resolves with whether the notebook has it. */
async function scrollToCell(panel: NotebookPanel, cell: string): Promise<boolean> {
  const at = cellIndex(panel, cell);
  if (at < 0) return false;
  panel.content.activeCellIndex = at;
  await panel.content.scrollToItem(at, "smart");
  return true;
}

function showsTask(panel: NotebookPanel, { id }: Snapshot): boolean {
  return codeCells(panel.content.model).some((cell) => tasksIn(cell).some((shown) => shown.id === id));
}
