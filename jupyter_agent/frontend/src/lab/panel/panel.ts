/** The side bar's panel with all tasks of the server, and tabs with one task each. */

import type { ILabShell } from "@jupyterlab/application";
import { MainAreaWidget, Notification } from "@jupyterlab/apputils";
import type { DocumentRegistry } from "@jupyterlab/docregistry";
import type { IRenderMimeRegistry } from "@jupyterlab/rendermime";
import { type Message } from "@lumino/messaging";
import { Widget } from "@lumino/widgets";
import { adoptStyles } from "../../dom/styles.js";
import { TaskElement } from "../../element/index.js";
import { nameOf } from "../../model/format.js";
import type { CellPlace } from "../../model/traceback.js";
import type { Rights } from "../../net/rights.js";
import { fetchJson, type Server } from "../../net/server.js";
import type { Snapshot } from "../../net/types.js";
import type { RunOptions } from "../../screens/run_options.js";
import { PageHost } from "../outputs/host.js";
import { tasksIcon } from "./icon.js";
import css from "./panel.css";
import { PanelView } from "./panel_view.js";

export const PANEL = "jupyter-agent-tasks";

export interface PanelDependencies {
  readonly rendermime: IRenderMimeRegistry;
  readonly server: Server;
  open(task: Snapshot, place?: CellPlace | "notebook"): void;
}

/** The side bar's panel. */
export class Panel extends Widget {
  readonly #host: PageHost;
  readonly #view: PanelView;

  /** `run` shows the form; null: the user may not run tasks. */
  constructor(dependencies: PanelDependencies, run: ((options: RunOptions) => void) | null, rights: Rights) {
    super();
    this.id = PANEL;
    this.title.icon = tasksIcon;
    this.title.caption = "Tasks";
    this.addClass("ja-panel");
    this.#host = new PageHost(this, dependencies, () => false);
    this.#view = Object.assign(new PanelView(), {
      server: dependencies.server,
      host: this.#host,
      readOnly: !rights.has("write"),
      run,
    });
    const onOpen = ({ detail }: CustomEventInit<Snapshot | string>) =>
      detail &&
      void (typeof detail === "string" ? openById(dependencies, detail) : dependencies.open(detail));
    this.#view.addEventListener("ja-open", onOpen);
    this.node.setAttribute("aria-label", "Tasks");
    this.node.append(this.#view);
  }

  protected override onBeforeShow(_: Message): void {
    this.#view.shown = true;
  }

  /** Show one of the panel's views. */
  showView(name: string): void {
    this.#view.view = name;
  }

  protected override onAfterAttach(_: Message): void {
    adoptStyles(this.node, css);
    if (this.isVisible) this.#view.shown = true;
  }

  override dispose(): void {
    if (!this.isDisposed) this.#host.dispose();
    super.dispose();
  }
}

/** Open the task with this id, or a line of its notebook. */
export async function openById(
  { server, open }: PanelDependencies,
  id: string,
  place?: CellPlace,
): Promise<void> {
  const path = `tasks/${encodeURIComponent(id)}`;
  const found = await fetchJson<Snapshot>(server, path, "The server cannot be reached.");
  if (typeof found !== "string") return open(found, place);
  Notification.error(found, { autoClose: 5000 });
}

/** A tab with one task. */
class TaskTab extends Widget {
  readonly #host: PageHost;

  constructor(dependencies: PanelDependencies, task: Snapshot) {
    super();
    this.addClass("ja-tab");
    this.#host = new PageHost(this, dependencies, () => false);
    const element = Object.assign(new TaskElement(), {
      taskId: task.id,
      server: dependencies.server,
      host: this.#host,
      snapshot: task,
    });
    this.node.append(element);
  }

  protected override onAfterAttach(_: Message): void {
    adoptStyles(this.node, css);
  }

  override dispose(): void {
    if (!this.isDisposed) this.#host.dispose();
    super.dispose();
  }
}

/** Show a task in a tab of the main area, below the notebook `beside` if there is no such tab yet. Idempotent. */
export function showTask(
  shell: ILabShell,
  dependencies: PanelDependencies,
  task: Snapshot,
  beside: Widget | null,
): void {
  const id = `${PANEL}-${task.id}`;
  const tabs = [...shell.widgets("main")].filter((widget) => widget.id.startsWith(PANEL));
  if (!tabs.some((tab) => tab.id === id)) {
    const place =
      beside && tabs.length === 0
        ? { mode: "split-bottom", ref: beside.id }
        : { mode: "tab-after", ref: tabs.at(-1)?.id };
    shell.add(tabOf(dependencies, task, id), "main", place as DocumentRegistry.IOpenOptions);
  }
  shell.activateById(id);
}

function tabOf(dependencies: PanelDependencies, task: Snapshot, id: string): Widget {
  const tab = new MainAreaWidget({ content: new TaskTab(dependencies, task) });
  tab.id = id;
  tab.title.label = nameOf(task);
  tab.title.icon = tasksIcon;
  tab.title.closable = true;
  return tab;
}
