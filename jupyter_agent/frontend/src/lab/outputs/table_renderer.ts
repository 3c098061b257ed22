/** Draws the table of several tasks, in any notebook. */

import type { IRenderMime } from "@jupyterlab/rendermime";
import { Widget } from "@lumino/widgets";
import { TasksElement } from "../../list/index.js";
import type { Snapshot } from "../../net/types.js";
import { PageHost } from "./host.js";
import { TASKS_MIME, tableOf } from "./mime.js";
import { FIRST, type Means } from "./task_renderer.js";

/** Let tables of tasks be drawn by the element, also in notebooks that are not trusted. */
export function addTableRenderer(means: Means): void {
  means.rendermime.addFactory(
    { safe: true, mimeTypes: [TASKS_MIME], createRenderer: () => new TableRenderer(means) },
    FIRST,
  );
}

export class TableRenderer extends Widget implements IRenderMime.IRenderer {
  #element: TasksElement | null = null;
  readonly #host: PageHost;

  constructor(private readonly means: Means) {
    super();
    this.addClass("jp-RenderedJupyterAgentTasks");
    this.#host = new PageHost(this, means, () => false);
    this.node.addEventListener(
      "ja-open",
      ({ detail }: CustomEventInit<Snapshot>) => detail && means.open(detail),
    );
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const tasks = tableOf(model.metadata);
    const element = (this.#element ??= this.#make());
    element.ids = tasks.map((task) => task.id);
    element.snapshots = tasks;
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.#host.dispose();
    this.#element?.remove();
    super.dispose();
  }

  #make(): TasksElement {
    const element = new TasksElement();
    element.server = this.means.server;
    element.host = this.#host;
    this.node.replaceChildren(element);
    return element;
  }
}
