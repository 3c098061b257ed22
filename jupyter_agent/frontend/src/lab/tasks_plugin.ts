/** The plugin for all tasks of the server: panel, commands, notifications. */

import type { ILabShell, ILayoutRestorer, JupyterFrontEnd } from "@jupyterlab/application";
import type { ICommandPalette } from "@jupyterlab/apputils";
import type { IFileBrowserFactory } from "@jupyterlab/filebrowser";
import type { ILauncher } from "@jupyterlab/launcher";
import type { INotebookTracker } from "@jupyterlab/notebook";
import type { IRenderMimeRegistry } from "@jupyterlab/rendermime";
import type { IRunningSessionManagers } from "@jupyterlab/running";
import type { ISettingRegistry } from "@jupyterlab/settingregistry";
import type { IStatusBar } from "@jupyterlab/statusbar";
import { TaskListStore } from "../model/task_list_store.js";
import { rightsOf } from "../net/rights.js";
import type { Server } from "../net/server.js";
import { sharedConnection } from "../net/connection_pool.js";
import { cellInAddress } from "../model/traceback.js";
import type { Right, Snapshot } from "../net/types.js";
import { addCommands, sendCommand } from "./commands.js";
import type { EndStateSaver } from "./outputs/end_state_saver.js";
import { Notifier } from "./notifications/notifier.js";
import { TaskOpener, type ShowStandalone } from "./open_task.js";
import { openById, PANEL, Panel, type PanelDependencies, showTask } from "./panel/panel.js";
import type { PrintedTexts } from "./outputs/printed/printed_texts.js";
import type { ViewRestorer } from "./outputs/restore.js";
import { RunningTasks } from "./panel/running.js";
import { addEntryPoints } from "./run/entry_points.js";
import { RunForm } from "./run/run_form.js";
import { Settings } from "./notifications/settings.js";
import { StatusItem } from "./panel/status_bar.js";

const PLUGIN = "jupyter-agent-tasks:plugin";
/** The panel's rank: below the file browser and the running sessions. */
const RANK = 250;

/** The services of the page; null: the page does not have it. */
export interface LabServices {
  readonly rendermime: IRenderMimeRegistry;
  readonly tracker: INotebookTracker | null;
  readonly registry: ISettingRegistry | null;
  readonly palette: ICommandPalette | null;
  readonly shell: ILabShell | null;
  readonly restorer: ILayoutRestorer | null;
  readonly running: IRunningSessionManagers | null;
  readonly statusBar: IStatusBar | null;
  readonly files: IFileBrowserFactory | null;
  readonly launcher: ILauncher | null;
}

/** What changes the outputs of the page's notebooks. */
export interface OutputWriters {
  readonly endStateSaver: EndStateSaver;
  readonly restorer: ViewRestorer;
  readonly printed: PrintedTexts;
}

/** Add everything to the page; nothing when the server's extension is off. */
export async function addTasks(
  app: JupyterFrontEnd,
  server: Server,
  { endStateSaver, restorer, printed }: OutputWriters,
  services: LabServices,
): Promise<void> {
  const asked = cellInAddress(location.search); // before JupyterLab shows another address
  const health = await server.fetch("health").catch(() => null);
  if (health?.status === 404) return;
  const rights = rightsOf(health?.ok ? ((await health.json()) as { rights?: Right[] }) : {});
  const connection = sharedConnection(server);
  const list = TaskListStore.of(connection, server);
  const settings = new Settings();
  const { open } = new TaskOpener(app, services.tracker, (task, beside) => showAlone(task, beside));
  const dependencies = { rendermime: services.rendermime, server, open };
  const showAlone = standaloneIn(services.shell, dependencies);
  const show = () => showAll(services.shell, server);
  if (services.tracker) {
    endStateSaver.watch(list, services.tracker);
    restorer.watchNewTasks(list, services.tracker);
  }
  new Notifier(() => settings, open).watch(list);
  addCommands(app, services.palette, { server, connection, tracker: services.tracker, show });
  const showSchedules = () => showPanelView(services.shell, server, panel, "schedules");
  const form = rights.has("execute")
    ? new RunForm(server, (task) => showAlone(task, null), showSchedules)
    : null;
  const panel =
    services.shell && new Panel(dependencies, form && ((options) => void form.open(options)), rights);
  if (panel) addPanel(services, panel);
  if (form) addEntryPoints(app, form, services);
  const cancel = (task: Snapshot) => void sendCommand(connection, task, "cancel");
  // What JupyterLab's list of what runs is for is to end it: its buttons cannot be left out.
  if (rights.has("write")) services.running?.add(new RunningTasks(list, open, cancel));
  if (services.statusBar)
    addStatus(services.statusBar, new StatusItem(list, () => settings.statusBar, show), settings);
  if (asked) void app.restored.then(() => openById(dependencies, asked.task, asked.place));
  settings.changed.connect(() => (printed.leavesOut = !settings.printedBelow));
  await settings.follow(services.registry, PLUGIN);
}

/** Show the panel, or without one the tasks page. */
function showAll(shell: ILabShell | null, server: Server): void {
  if (shell) shell.activateById(PANEL);
  else openPage(server, "");
}

/** Show a view of the panel, or without a panel of the tasks page. */
function showPanelView(shell: ILabShell | null, server: Server, panel: Panel | null, view: string): void {
  if (!shell || !panel) return openPage(server, `?view=${view}`);
  panel.showView(view);
  shell.activateById(PANEL);
}

/** Return what shows one task: in a tab, or without tabs on the tasks page. */
export function standaloneIn(shell: ILabShell | null, dependencies: PanelDependencies): ShowStandalone {
  if (!shell) return (task) => openPage(dependencies.server, `?task=${encodeURIComponent(task.id)}`);
  return (task, beside) => showTask(shell, dependencies, task, beside);
}

/** Open the tasks page in another tab of the browser. */
export function openPage(server: Server, query: string): void {
  window.open(new URL(`jupyter-agent/${query}`, server.base), "_blank", "noopener");
}

function addPanel({ shell, restorer }: LabServices, panel: Panel): void {
  shell?.add(panel, "left", { rank: RANK });
  restorer?.add(panel, PANEL);
}

function addStatus(bar: IStatusBar, item: StatusItem, settings: Settings): void {
  settings.changed.connect(() => item.refresh());
  bar.registerStatusItem(PANEL, {
    item,
    align: "left",
    rank: 100,
    isActive: () => item.active,
    activeStateChanged: item.activeChanged,
  });
}
