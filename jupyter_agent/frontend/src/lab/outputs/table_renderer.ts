/** The renderer of tables of tasks, for any notebook. */

import type { IRenderMime } from "@jupyterlab/rendermime";
import { Widget } from "@lumino/widgets";
import type { TasksElement } from "../../list/index.js";
import type { Snapshot } from "../../net/types.js";
import { PageHost } from "./host.js";
import { createList } from "../../screens/list_module.js";
import { TASKS_MIME, parseTableMetadata } from "./mime.js";
import { RANK, type RendererDependencies } from "./task_renderer.js";

/** Register the renderer, for notebooks that are not trusted, too. */
export function addTableRenderer(dependencies: RendererDependencies): void {
  dependencies.rendermime.addFactory(
    { safe: true, mimeTypes: [TASKS_MIME], createRenderer: () => new TableRenderer(dependencies) },
    RANK,
  );
}

class TableRenderer extends Widget implements IRenderMime.IRenderer {
  #element: TasksElement | null = null;
  readonly #host: PageHost;

  readonly #dependencies: RendererDependencies;

  constructor(dependencies: RendererDependencies) {
    super();
    this.#dependencies = dependencies;
    this.addClass("jp-RenderedJupyterAgentTasks");
    this.#host = new PageHost(this, dependencies, () => false);
    this.node.addEventListener(
      "ja-open",
      ({ detail }: CustomEventInit<Snapshot>) => detail && dependencies.open(detail),
    );
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const tasks = parseTableMetadata(model.metadata);
    const element = tasks && (this.#element ??= await this.#make());
    if (!element) return this.#host.renderStill(model, this.node);
    element.ids = tasks.map((task) => task.id);
    element.snapshots = tasks;
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.#host.dispose();
    this.#element?.remove();
    super.dispose();
  }

  /** Put a list into the output; null without a server that delivers it. */
  async #make(): Promise<TasksElement | null> {
    const { server } = this.#dependencies;
    const element = server && (await createList(server).catch(() => null));
    if (!element) return null;
    element.host = this.#host;
    this.node.replaceChildren(element);
    return element;
  }
}
