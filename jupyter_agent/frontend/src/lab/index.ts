/** The extension of JupyterLab and Notebook 7. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { INotebookTracker } from "@jupyterlab/notebook";
import { IRenderMimeRegistry } from "@jupyterlab/rendermime";
import { pageServer } from "../net/server.js";
import { Opener } from "./open.js";
import { addTaskRenderer } from "./renderer.js";

const renderer: JupyterFrontEndPlugin<void> = {
  id: "jupyter-agent-tasks:renderer",
  description: "Draws tasks in notebooks.",
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [INotebookTracker],
  activate: (app: JupyterFrontEnd, rendermime: IRenderMimeRegistry, tracker: INotebookTracker | null) => {
    const opener = new Opener(app, tracker, () => {});
    addTaskRenderer({ rendermime, server: pageServer(), open: opener.open });
  },
};

export default [renderer];
