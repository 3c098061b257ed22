/** All that is about every task of the server, wherever the page has a place for it. */

import type { ILabShell, ILayoutRestorer, JupyterFrontEnd } from "@jupyterlab/application";
import type { ICommandPalette } from "@jupyterlab/apputils";
import type { INotebookTracker } from "@jupyterlab/notebook";
import type { IRenderMimeRegistry } from "@jupyterlab/rendermime";
import type { IRunningSessionManagers } from "@jupyterlab/running";
import type { ISettingRegistry } from "@jupyterlab/settingregistry";
import type { IStatusBar } from "@jupyterlab/statusbar";
import { TaskList } from "../model/task_list_store.js";
import type { Server } from "../net/server.js";
import { sharedConnection } from "../net/connection_pool.js";
import type { Snapshot } from "../net/types.js";
import { addCommands, ask } from "./commands.js";
import { Keeper } from "./outputs/end_state_saver.js";
import type { Marks } from "./outputs/dirty_state.js";
import { Notifier } from "./notifications/notifier.js";
import { Opener, type ShowAlone } from "./open_task.js";
import { PANEL, Panel, type PanelMeans, showTask } from "./panel/panel.js";
import type { PutBack } from "./outputs/restore.js";
import { RunningTasks } from "./panel/running.js";
import { Settings } from "./notifications/settings.js";
import { StatusItem } from "./panel/status_bar.js";

const PLUGIN = "jupyter-agent-tasks:plugin";
/** Below the file browser and what is running. */
const RANK = 250;

/** What the page has; null for what it has not. */
export interface Places {
  readonly rendermime: IRenderMimeRegistry;
  readonly tracker: INotebookTracker | null;
  readonly registry: ISettingRegistry | null;
  readonly palette: ICommandPalette | null;
  readonly shell: ILabShell | null;
  readonly restorer: ILayoutRestorer | null;
  readonly running: IRunningSessionManagers | null;
  readonly statusBar: IStatusBar | null;
  readonly marks: Marks;
}

/** Nothing where the server has no tasks to tell of: its extension may be off. */
export async function addTasks(
  app: JupyterFrontEnd,
  server: Server,
  putBack: PutBack,
  places: Places,
): Promise<void> {
  const health = await server.fetch("health").catch(() => null);
  if (health?.status === 404) return;
  const connection = sharedConnection(server);
  const list = TaskList.of(connection, server);
  const settings = new Settings();
  const { open } = new Opener(app, places.tracker, (task, beside) => showAlone(task, beside));
  const means = { rendermime: places.rendermime, server, open };
  const showAlone = aloneIn(places.shell, means);
  const show = () => showAll(places.shell, server);
  if (places.tracker) {
    new Keeper(server, places.marks).watch(list, places.tracker);
    putBack.watchLate(list, places.tracker);
  }
  new Notifier(() => settings, open).watch(list);
  addCommands(app, places.palette, { server, connection, tracker: places.tracker, show });
  if (places.shell) addPanel(places, new Panel(means));
  places.running?.add(new RunningTasks(list, open, (task: Snapshot) => void ask(connection, task, "cancel")));
  if (places.statusBar)
    addStatus(places.statusBar, new StatusItem(list, () => settings.statusBar, show), settings);
  await settings.follow(places.registry, PLUGIN);
}

/** The panel, or where there is none, the tasks page. */
function showAll(shell: ILabShell | null, server: Server): void {
  if (shell) shell.activateById(PANEL);
  else openPage(server, "");
}

/** One task in a tab, or where there are none, on the tasks page. */
export function aloneIn(shell: ILabShell | null, means: PanelMeans): ShowAlone {
  if (!shell) return (task) => openPage(means.server, `?task=${encodeURIComponent(task.id)}`);
  return (task, beside) => showTask(shell, means, task, beside);
}

function openPage(server: Server, query: string): void {
  window.open(new URL(`jupyter-agent/${query}`, server.base), "_blank", "noopener");
}

function addPanel({ shell, restorer }: Places, panel: Panel): void {
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
