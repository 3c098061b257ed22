/** Draws the outputs of tasks, in any notebook, straight from the server. */

import type { IRenderMime, IRenderMimeRegistry } from "@jupyterlab/rendermime";
import { Widget } from "@lumino/widgets";
import { TaskElement } from "../../element/index.js";
import type { Server } from "../../net/server.js";
import type { Snapshot } from "../../net/types.js";
import { PageHost } from "./host.js";
import type { Keeper, Place } from "./end_state_saver.js";
import { TASK_MIME, toldOf, type Told } from "./mime.js";
import { panelOf } from "./notebooks.js";

/** The rank, below any other: ipywidgets' own is -10. */
export const FIRST = -100;

/** What the renderers need of the page. */
export interface Means {
  readonly rendermime: IRenderMimeRegistry;
  readonly server: Server | null;
  /** Null without a server. */
  readonly keeper: Keeper | null;
  open(task: Snapshot): void;
}

/** Let tasks be drawn by the element, also in notebooks that are not trusted. */
export function addTaskRenderer(means: Means): void {
  means.rendermime.addFactory(
    { safe: true, mimeTypes: [TASK_MIME], createRenderer: () => new TaskRenderer(means) },
    FIRST,
  );
}

/** One task's output. Drawn again, the element stays, with its place in the log. */
export class TaskRenderer extends Widget implements IRenderMime.IRenderer {
  #element: TaskElement | null = null;
  #model: IRenderMime.IMimeModel | null = null;
  readonly #host: PageHost;

  constructor(private readonly means: Means) {
    super();
    this.addClass("jp-RenderedJupyterAgentTask");
    this.#host = new PageHost(this, means, () => this.#model?.trusted ?? false);
    this.node.addEventListener("ja-ended", ({ detail }: CustomEventInit<Snapshot>) => {
      if (detail) void means.keeper?.keep(detail, () => this.#places());
    });
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.#model = model;
    const told = toldOf(model.metadata);
    if (told) this.#draw(told);
    else this.node.textContent = "This output does not say which task it shows.";
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.#host.dispose();
    this.#element?.remove();
    this.#element = this.#model = null;
    super.dispose();
  }

  #draw({ id, snapshot, slim }: Told): void {
    const element = this.#element?.taskId === id ? this.#element : this.#make(id);
    element.slim = slim;
    element.snapshot = snapshot;
    element.refresh();
  }

  #make(id: string): TaskElement {
    const element = new TaskElement();
    element.taskId = id;
    element.server = this.means.server;
    element.host = this.#host;
    this.node.replaceChildren(element);
    return (this.#element = element);
  }

  #places(): Place[] {
    return this.#model ? [{ output: this.#model, panel: panelOf(this) }] : [];
  }
}
