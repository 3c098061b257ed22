/** Where JupyterLab and Notebook 7 offer to run something as a task. The menus and the toolbar are in the schema. */

import type { JupyterFrontEnd } from "@jupyterlab/application";
import type { ICommandPalette } from "@jupyterlab/apputils";
import type { IFileBrowserFactory } from "@jupyterlab/filebrowser";
import type { ILauncher } from "@jupyterlab/launcher";
import type { INotebookTracker } from "@jupyterlab/notebook";
import { tasksIcon } from "../panel/icon.js";
import { canRunCell, runCell } from "./run_cell.js";
import type { RunForm } from "./run_form.js";

const RUN = "jupyter-agent:run-as-task";
const RUN_NOTEBOOK = "jupyter-agent:run-notebook-as-task";
const RUN_FILE = "jupyter-agent:run-file-as-task";
const RUN_CELL = "jupyter-agent:run-cell-as-task";
const LABEL = "Run as Task…";
const CATEGORY = "Tasks";
const FILES = /\.(ipynb|py)$/;

/** What the page has; null: it does not. */
export interface Places {
  readonly palette: ICommandPalette | null;
  readonly tracker: INotebookTracker | null;
  readonly files: IFileBrowserFactory | null;
  readonly launcher: ILauncher | null;
}

/** Add the commands, for a user who may run tasks: without them, the places of the schema stay empty. */
export function addEntryPoints(app: JupyterFrontEnd, form: RunForm, places: Places): void {
  const { palette, tracker, files, launcher } = places;
  const { commands } = app;
  const icon = tasksIcon;
  commands.addCommand(RUN, {
    label: ({ launcher: inLauncher }) => (inLauncher ? "Run as Task" : LABEL),
    caption: "Run or schedule a notebook, a function or a command",
    icon,
    execute: () => form.open(),
  });
  launcher?.add({ command: RUN, category: "Other", args: { launcher: true } });
  palette?.addItem({ command: RUN, category: CATEGORY, args: {} });
  if (tracker) addNotebookCommands(app, form, tracker, palette);
  if (files) addFileCommand(app, form, files);
}

function addNotebookCommands(
  { commands, serviceManager }: JupyterFrontEnd,
  form: RunForm,
  tracker: INotebookTracker,
  palette: ICommandPalette | null,
): void {
  commands.addCommand(RUN_NOTEBOOK, {
    label: ({ toolbar }) => (toolbar ? "" : "Run This Notebook as Task…"),
    caption: "Run or schedule this notebook as a task, in a kernel of its own",
    icon: tasksIcon,
    isEnabled: () => tracker.currentWidget !== null,
    execute: async () => {
      const context = tracker.currentWidget?.context;
      if (!context) return;
      if (context.model.dirty && !context.model.readOnly) await context.save(); // a worker reads the file
      await form.open({ path: serviceManager.contents.localPath(context.path) });
    },
  });
  commands.addCommand(RUN_CELL, {
    label: "Run Cell as Task",
    caption: "Put %%task at the top of this cell, and run it",
    isEnabled: () => canRunCell(tracker),
    execute: () => runCell(tracker),
  });
  for (const command of [RUN_NOTEBOOK, RUN_CELL]) palette?.addItem({ command, category: CATEGORY });
}

/** The command of the file browser's menu, about the one file that is selected there. */
function addFileCommand(
  { commands, serviceManager }: JupyterFrontEnd,
  form: RunForm,
  files: IFileBrowserFactory,
): void {
  const path = () => {
    const selected = [...(files.tracker.currentWidget?.selectedItems() ?? [])];
    return selected.length === 1 && FILES.test(selected[0]!.path) ? selected[0]!.path : null;
  };
  commands.addCommand(RUN_FILE, {
    label: LABEL,
    icon: tasksIcon,
    isVisible: () => path() !== null,
    execute: () => form.open({ path: serviceManager.contents.localPath(path() ?? "") }),
  });
}
