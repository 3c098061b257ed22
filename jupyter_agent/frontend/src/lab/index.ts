/** The extension of JupyterLab and Notebook 7. Only the drawing of tasks needs anything of the page; all the rest
 * is there where the page has a place for it. */

import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin,
} from "@jupyterlab/application";
import { ICommandPalette } from "@jupyterlab/apputils";
import { INotebookTracker } from "@jupyterlab/notebook";
import { IRenderMimeRegistry } from "@jupyterlab/rendermime";
import { IRunningSessionManagers } from "@jupyterlab/running";
import { ISettingRegistry } from "@jupyterlab/settingregistry";
import { IStatusBar } from "@jupyterlab/statusbar";
import { pageServer, type Server } from "../net/server.js";
import type { Snapshot } from "../net/types.js";
import { Keeper } from "./outputs/end_state_saver.js";
import { Marks } from "./outputs/dirty_state.js";
import { Opener } from "./open_task.js";
import { PutBack } from "./outputs/restore.js";
import { addTaskRenderer } from "./outputs/task_renderer.js";
import { addTableRenderer } from "./outputs/table_renderer.js";
import { type Places, addTasks, aloneIn } from "./tasks_plugin.js";

const marks = new Marks();
let putsBack: PutBack | null = null;

/** One for the page: what it changes itself must not look like somebody else's doing. */
function putBackAt(server: Server): PutBack {
  return (putsBack ??= new PutBack(server, marks));
}

const renderer: JupyterFrontEndPlugin<void> = {
  id: "jupyter-agent-tasks:renderer",
  description: "Draws tasks in notebooks.",
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [INotebookTracker, ILabShell],
  activate: (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    tracker: INotebookTracker | null,
    shell: ILabShell | null,
  ) => {
    const server = pageServer();
    const keeper = server && new Keeper(server, marks);
    const open = (task: Snapshot) =>
      server && new Opener(app, tracker, aloneIn(shell, { rendermime, server, open })).open(task);
    const means = { rendermime, server, keeper, open };
    addTaskRenderer(means);
    addTableRenderer(means);
  },
};

const putBack: JupyterFrontEndPlugin<void> = {
  id: "jupyter-agent-tasks:put-back",
  description: "Puts views of tasks back that a page lost.",
  autoStart: true,
  requires: [INotebookTracker],
  activate: (_: JupyterFrontEnd, tracker: INotebookTracker) => {
    const server = pageServer();
    if (server) putBackAt(server).watch(tracker);
  },
};

const tasks: JupyterFrontEndPlugin<void> = {
  id: "jupyter-agent-tasks:plugin",
  description: "All tasks of the server: panel, running section, status bar, notifications, commands.",
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [
    INotebookTracker,
    ISettingRegistry,
    ICommandPalette,
    ILabShell,
    ILayoutRestorer,
    IRunningSessionManagers,
    IStatusBar,
  ],
  activate: (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    tracker: INotebookTracker | null,
    registry: ISettingRegistry | null,
    palette: ICommandPalette | null,
    shell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    running: IRunningSessionManagers | null,
    statusBar: IStatusBar | null,
  ) => {
    const server = pageServer();
    const places: Places = {
      rendermime,
      tracker,
      registry,
      palette,
      shell,
      restorer,
      running,
      statusBar,
      marks,
    };
    if (server) void addTasks(app, server, putBackAt(server), places);
  },
};

export default [renderer, putBack, tasks];
