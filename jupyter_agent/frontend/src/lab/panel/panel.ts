/** The side bar's panel with all tasks of the server, and tabs with one task each. */

import type { ILabShell } from "@jupyterlab/application";
import { MainAreaWidget } from "@jupyterlab/apputils";
import type { DocumentRegistry } from "@jupyterlab/docregistry";
import type { IRenderMimeRegistry } from "@jupyterlab/rendermime";
import { type Message } from "@lumino/messaging";
import { Widget } from "@lumino/widgets";
import { adoptStyles } from "../../dom/styles.js";
import { TaskElement } from "../../element/index.js";
import { TasksElement } from "../../list/index.js";
import { toSingleLine } from "../../model/format.js";
import type { Server } from "../../net/server.js";
import type { Snapshot } from "../../net/types.js";
import { PageHost } from "../outputs/host.js";
import { tasksIcon } from "./icon.js";
import css from "./panel.css";

export const PANEL = "jupyter-agent-tasks";

export interface PanelDependencies {
  readonly rendermime: IRenderMimeRegistry;
  readonly server: Server;
  open(task: Snapshot): void;
}

/** The side bar's panel. */
export class Panel extends Widget {
  readonly #host: PageHost;

  constructor(dependencies: PanelDependencies) {
    super();
    this.id = PANEL;
    this.title.icon = tasksIcon;
    this.title.caption = "Tasks";
    this.addClass("ja-panel");
    this.#host = new PageHost(this, dependencies, () => false);
    const list = Object.assign(new TasksElement(), { server: dependencies.server, host: this.#host });
    list.addEventListener(
      "ja-open",
      ({ detail }: CustomEventInit<Snapshot>) => detail && dependencies.open(detail),
    );
    const title = Object.assign(document.createElement("h2"), {
      className: "ja-panel-title",
      textContent: "Tasks",
    });
    this.node.setAttribute("aria-label", "Tasks");
    this.node.append(title, list);
  }

  protected override onAfterAttach(_: Message): void {
    adoptStyles(this.node, css);
  }

  override dispose(): void {
    if (!this.isDisposed) this.#host.dispose();
    super.dispose();
  }
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
  tab.title.label = toSingleLine(task.name) || "task";
  tab.title.icon = tasksIcon;
  tab.title.closable = true;
  return tab;
}
