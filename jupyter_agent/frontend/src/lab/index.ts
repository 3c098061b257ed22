/** The extension of JupyterLab and Notebook 7: its plugins.
 *
 * Only rendering is required of the page; everything else is added where the page has a place for it. */

import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin,
} from "@jupyterlab/application";
import { ICommandPalette } from "@jupyterlab/apputils";
import { IFileBrowserFactory } from "@jupyterlab/filebrowser";
import { ILauncher } from "@jupyterlab/launcher";
import { INotebookTracker } from "@jupyterlab/notebook";
import { IRenderMimeRegistry } from "@jupyterlab/rendermime";
import { IRunningSessionManagers } from "@jupyterlab/running";
import { ISettingRegistry } from "@jupyterlab/settingregistry";
import { IStatusBar } from "@jupyterlab/statusbar";
import { pageServer, type Server } from "../net/server.js";
import type { CellPlace } from "../model/traceback.js";
import type { Snapshot } from "../net/types.js";
import { EndStateSaver } from "./outputs/end_state_saver.js";
import { DirtyState } from "./outputs/dirty_state.js";
import { TaskOpener } from "./open_task.js";
import { ViewRestorer } from "./outputs/restore.js";
import { PrintedTexts } from "./outputs/printed/printed_texts.js";
import { SharedNotebooks } from "./outputs/shared_notebooks.js";
import { watchRuns } from "./outputs/kept_height.js";
import { addTaskRenderer, RANK } from "./outputs/task_renderer.js";
import { addTableRenderer } from "./outputs/table_renderer.js";
import { addComparisons } from "./compare.js";
import { type LabServices, type OutputWriters, addTasks, standaloneIn } from "./tasks_plugin.js";

/** One for the page: its parts must recognise each other's changes of outputs. */
let writers: OutputWriters | null = null;

function writersFor(server: Server): OutputWriters {
  if (writers) return writers;
  const [dirtyState, shared] = [new DirtyState(), new SharedNotebooks(server)];
  const endStateSaver = new EndStateSaver(server, dirtyState, shared);
  const restorer = new ViewRestorer(server, dirtyState, shared);
  return (writers = { endStateSaver, restorer, printed: new PrintedTexts() });
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
    const { endStateSaver = null, printed = null } = server ? writersFor(server) : {};
    const open = (task: Snapshot, place?: CellPlace | "notebook") =>
      server &&
      new TaskOpener(app, tracker, standaloneIn(shell, { rendermime, server, open })).open(task, place);
    const dependencies = { rendermime, server, endStateSaver, printed, open };
    printed?.addRenderers(rendermime, RANK);
    addTaskRenderer(dependencies);
    addTableRenderer(dependencies);
  },
};

const putBack: JupyterFrontEndPlugin<void> = {
  id: "jupyter-agent-tasks:put-back",
  description: "Restores views that a page lost.",
  autoStart: true,
  requires: [INotebookTracker],
  activate: (_: JupyterFrontEnd, tracker: INotebookTracker) => {
    watchRuns();
    const server = pageServer();
    if (!server) return;
    const { restorer, printed } = writersFor(server);
    restorer.watch(tracker);
    printed.watch(tracker);
  },
};

const tasks: JupyterFrontEndPlugin<void> = {
  id: "jupyter-agent-tasks:plugin",
  description: "All tasks of the server: panel, status, notifications, commands.",
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
    IFileBrowserFactory,
    ILauncher,
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
    files: IFileBrowserFactory | null,
    launcher: ILauncher | null,
  ) => {
    const server = pageServer();
    const services: LabServices = {
      rendermime,
      tracker,
      registry,
      palette,
      shell,
      restorer,
      running,
      statusBar,
      files,
      launcher,
    };
    if (!server) return;
    addComparisons(app, server, services);
    void addTasks(app, server, writersFor(server), services);
  },
};

export default [renderer, putBack, tasks];
