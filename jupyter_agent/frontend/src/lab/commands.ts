/** Commands for the palette and for keyboard shortcuts. */

import type { JupyterFrontEnd } from "@jupyterlab/application";
import { type ICommandPalette, Notification as LabNotification } from "@jupyterlab/apputils";
import type { ICodeCellModel } from "@jupyterlab/cells";
import type { INotebookTracker } from "@jupyterlab/notebook";
import { copyText } from "../dom/clipboard.js";
import { canRetry, END_STATES } from "../model/reducer.js";
import type { Connection } from "../net/connection.js";
import type { Server } from "../net/server.js";
import type { Snapshot } from "../net/types.js";
import { tasksIcon } from "./panel/icon.js";
import { tasksIn } from "./outputs/notebooks.js";

const SHOW = "jupyter-agent:show-tasks";
const PREFIX = "jupyter-agent";
const CATEGORY = "Tasks";

interface Dependencies {
  readonly server: Server;
  readonly connection: Connection;
  readonly tracker: INotebookTracker | null;
  show(): void;
}

export function addCommands(
  app: JupyterFrontEnd,
  palette: ICommandPalette | null,
  dependencies: Dependencies,
): void {
  const { commands } = app;
  const ofCell = new CellTasks(dependencies);
  const mayCommand = () => dependencies.connection.rights.has("write");
  commands.addCommand(SHOW, { label: "Show Tasks", icon: tasksIcon, execute: dependencies.show });
  commands.addCommand(`${PREFIX}:cancel-task`, {
    label: "Cancel the Task of This Cell",
    isEnabled: () => ofCell.any && mayCommand(),
    execute: () => ofCell.command("cancel"),
  });
  commands.addCommand(`${PREFIX}:retry-task`, {
    label: "Retry the Task of This Cell",
    isEnabled: () => ofCell.any && mayCommand(),
    execute: () => ofCell.command("retry"),
  });
  commands.addCommand(`${PREFIX}:copy-task-id`, {
    label: "Copy the Id of This Cell’s Task",
    isEnabled: () => ofCell.any,
    execute: () => ofCell.copyId(),
  });
  commands.addCommand(`${PREFIX}:allow-notifications`, {
    label: "Allow the Browser’s Notifications of Tasks",
    isEnabled: canRequestPermission,
    execute: () => Notification.requestPermission(),
  });
  const names = ["show-tasks", "cancel-task", "retry-task", "copy-task-id", "allow-notifications"];
  for (const name of names) palette?.addItem({ command: `${PREFIX}:${name}`, category: CATEGORY });
}

/** Send a command to a task, and show a refusal. */
export async function sendCommand(
  connection: Connection,
  { id, attempt }: Snapshot,
  command: string,
): Promise<void> {
  const reply = await connection.command(id, attempt, command, {});
  if (!reply.ok) LabNotification.error(reply.message ?? "The server refused.", { autoClose: 5000 });
}

function canRequestPermission(): boolean {
  return "Notification" in window && Notification.permission === "default";
}

/** The tasks of the active cell. */
class CellTasks {
  readonly #dependencies: Dependencies;

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies;
  }

  get any(): boolean {
    return this.#ids().length > 0;
  }

  /** Cancel the active tasks, or retry those that can be. */
  async command(command: "cancel" | "retry"): Promise<void> {
    const isActive = (task: Snapshot) => !END_STATES.has(task.state);
    const tasks = (await this.#tasks()).filter(command === "cancel" ? isActive : canRetry);
    await Promise.all(tasks.map((task) => sendCommand(this.#dependencies.connection, task, command)));
    if (tasks.length === 0) LabNotification.info(`This cell has no task to ${command}.`, { autoClose: 5000 });
  }

  async copyId(): Promise<void> {
    const id = this.#ids().at(-1);
    if (id) await copyText(id);
  }

  #ids(): string[] {
    const cell = this.#dependencies.tracker?.activeCell?.model;
    return cell?.type === "code" ? tasksIn(cell as ICodeCellModel).map(({ id }) => id) : [];
  }

  async #tasks(): Promise<Snapshot[]> {
    const { server } = this.#dependencies;
    const answers = await Promise.all(
      this.#ids().map((id) => server.fetch(`tasks/${encodeURIComponent(id)}`)),
    );
    return Promise.all(answers.filter(({ ok }) => ok).map((answer) => answer.json() as Promise<Snapshot>));
  }
}
