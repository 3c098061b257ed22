/** The renderer of a task's output, for any notebook; live from the server. */

import type { IRenderMime, IRenderMimeRegistry } from "@jupyterlab/rendermime";
import { Widget } from "@lumino/widgets";
import { TaskElement } from "../../element/index.js";
import type { Server } from "../../net/server.js";
import type { Snapshot } from "../../net/types.js";
import { PageHost } from "./host.js";
import type { EndStateSaver, OutputLocation } from "./end_state_saver.js";
import { TASK_MIME, parseOutputMetadata, type OutputMetadata } from "./mime.js";
import { panelOf } from "./notebooks.js";

/** The rank of our renderers, ahead of all others: that of ipywidgets is -10. */
export const RANK = -100;

/** What the renderers need from the page. */
export interface RendererDependencies {
  readonly rendermime: IRenderMimeRegistry;
  readonly server: Server | null;
  /** Null without a server. */
  readonly endStateSaver: EndStateSaver | null;
  open(task: Snapshot): void;
}

/** Register the renderer, for notebooks that are not trusted, too. */
export function addTaskRenderer(dependencies: RendererDependencies): void {
  dependencies.rendermime.addFactory(
    { safe: true, mimeTypes: [TASK_MIME], createRenderer: () => new TaskRenderer(dependencies) },
    RANK,
  );
}

/** Renders one output. When it is rendered again, the element stays, with its scroll position in the log. */
class TaskRenderer extends Widget implements IRenderMime.IRenderer {
  #element: TaskElement | null = null;
  #model: IRenderMime.IMimeModel | null = null;
  readonly #host: PageHost;

  readonly #dependencies: RendererDependencies;

  constructor(dependencies: RendererDependencies) {
    super();
    this.#dependencies = dependencies;
    this.addClass("jp-RenderedJupyterAgentTask");
    this.#host = new PageHost(this, dependencies, () => this.#model?.trusted ?? false);
    this.node.addEventListener("ja-ended", ({ detail }: CustomEventInit<Snapshot>) => {
      if (detail) void dependencies.endStateSaver?.save(detail, () => this.#locations());
    });
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.#model = model;
    const shown = parseOutputMetadata(model.metadata);
    if (shown) this.#draw(shown);
    else await this.#host.renderStill(model, this.node);
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.#host.dispose();
    this.#element?.remove();
    this.#element = this.#model = null;
    super.dispose();
  }

  #draw({ id, snapshot, slim }: OutputMetadata): void {
    const element = this.#element?.taskId === id ? this.#element : this.#make(id);
    element.slim = slim;
    element.snapshot = snapshot;
    element.refresh();
  }

  #make(id: string): TaskElement {
    const element = new TaskElement();
    element.taskId = id;
    element.server = this.#dependencies.server;
    element.host = this.#host;
    this.node.replaceChildren(element);
    return (this.#element = element);
  }

  #locations(): OutputLocation[] {
    return this.#model ? [{ output: this.#model, panel: panelOf(this) }] : [];
  }
}
