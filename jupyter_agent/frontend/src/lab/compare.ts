/** Tabs that compare tasks, restored with the page's layout; without tabs, the tasks page. */

import type { JupyterFrontEnd } from "@jupyterlab/application";
import { MainAreaWidget, WidgetTracker } from "@jupyterlab/apputils";
import { Widget } from "@lumino/widgets";
import type { Server } from "../net/server.js";
import type { Snapshot } from "../net/types.js";
import { ScreenElement } from "../screens/screen_element.js";
import { viewNamed } from "../screens/views.js";
import { TaskOpener } from "./open_task.js";
import { tasksIcon } from "./panel/icon.js";
import { type LabServices, openPage, standaloneIn } from "./tasks_plugin.js";

const COMPARE = "jupyter-agent:compare-tasks";
const NAME = "jupyter-agent-compare";

/** The content of a tab: `tasks` are ids with commas between them. */
class Comparison extends Widget {
  readonly tasks: string;

  constructor(server: Server, tasks: string, open: (task: Snapshot) => void) {
    super();
    this.tasks = tasks;
    this.addClass("ja-tab");
    this.node.tabIndex = -1;
    const values = { argument: tasks, current: null };
    this.node.append(Object.assign(new ScreenElement(), { server, view: viewNamed("compare")!, values }));
    this.node.addEventListener("ja-open", ({ detail }: CustomEventInit<Snapshot>) => detail && open(detail));
  }
}

/** Answer every `ja-compare` of the page. To be called while the page starts: later, no tab would be restored. */
export function addComparisons(app: JupyterFrontEnd, server: Server, services: LabServices): void {
  const { rendermime, shell, restorer, tracker } = services;
  const tabs = new WidgetTracker<MainAreaWidget<Comparison>>({ namespace: NAME });
  const { open }: TaskOpener = new TaskOpener(
    app,
    tracker,
    standaloneIn(shell, { rendermime, server, open: (task) => open(task) }),
  );
  const show = (tasks: string) => {
    const known = tabs.find(({ content }) => content.tasks === tasks);
    const tab = known ?? tabOf(new Comparison(server, tasks, open));
    if (!known) {
      shell!.add(tab, "main");
      void tabs.add(tab);
    }
    shell!.activateById(tab.id);
  };
  app.commands.addCommand(COMPARE, {
    label: "Compare Tasks",
    execute: (args) => {
      const tasks = typeof args.tasks === "string" ? args.tasks : "";
      if (shell) show(tasks);
      else openPage(server, `?compare=${tasks}`);
    },
  });
  document.addEventListener("ja-compare", ({ detail }: CustomEventInit<string[]>) => {
    void app.commands.execute(COMPARE, { tasks: detail!.join(",") });
  });
  const args = ({ content }: MainAreaWidget<Comparison>) => ({ tasks: content.tasks });
  void restorer?.restore(tabs, { command: COMPARE, args, name: ({ content }) => content.tasks });
}

function tabOf(content: Comparison): MainAreaWidget<Comparison> {
  const tab = new MainAreaWidget({ content });
  tab.id = `${NAME}-${content.tasks}`;
  tab.title.label = `Compare ${content.tasks.split(",").length} runs`;
  tab.title.icon = tasksIcon;
  tab.title.closable = true;
  return tab;
}
