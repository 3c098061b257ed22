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
import { keepHeight } from "./kept_height.js";
import type { CellText, View } from "./printed/cell_text.js";
import { areaOf, type PrintedTexts } from "./printed/printed_texts.js";
import { END_STATES } from "../../model/reducer.js";

/** The rank of our renderers, ahead of all others: that of ipywidgets is -10. */
export const RANK = -100;

/** What the renderers need from the page. */
export interface RendererDependencies {
  readonly rendermime: IRenderMimeRegistry;
  readonly server: Server | null;
  /** Null without a server. */
  readonly endStateSaver: EndStateSaver | null;
  /** Null without a server, when no view is sure to show what its task prints. */
  readonly printed: PrintedTexts | null;
  open(task: Snapshot): void;
}

/** Register the renderer, for notebooks that are not trusted, too. */
export function addTaskRenderer(dependencies: RendererDependencies): void {
  dependencies.rendermime.addFactory(
    { safe: true, mimeTypes: [TASK_MIME], createRenderer: () => new TaskRenderer(dependencies) },
    RANK,
  );
}

/** A task's view, as what its cell prints is concerned. */
class PrintingView implements View {
  hasLog: boolean | null = null;

  readonly #element: () => TaskElement | null;

  constructor(element: () => TaskElement | null) {
    this.#element = element;
  }

  get taskId(): string {
    return this.#element()?.taskId ?? "";
  }

  get live(): boolean {
    return this.#element()?.status === "live";
  }

  get task(): Snapshot | null {
    return this.#element()?.task ?? null;
  }

  /** Take over what the element says. One that is out of the page for a while still has its log. */
  update(): void {
    const element = this.#element();
    if (element?.isConnected && element.hasLog !== null) this.hasLog = element.hasLog;
  }
}

/** Renders one output. When it is rendered again, the element stays, with its scroll position in the log. */
class TaskRenderer extends Widget implements IRenderMime.IRenderer {
  #element: TaskElement | null = null;
  #model: IRenderMime.IMimeModel | null = null;
  readonly #host: PageHost;
  readonly #view = new PrintingView(() => this.#element);
  /** What the cell around it prints; null until it is in a cell. */
  #cell: CellText | null = null;

  readonly #dependencies: RendererDependencies;

  constructor(dependencies: RendererDependencies) {
    super();
    this.#dependencies = dependencies;
    this.addClass("jp-RenderedJupyterAgentTask");
    for (const type of ["ja-connection", "ja-ended"])
      this.node.addEventListener(type, () => this.#updateView());
    this.#host = new PageHost(this, dependencies, () => this.#model?.trusted ?? false);
    this.node.addEventListener("ja-ended", ({ detail }: CustomEventInit<Snapshot>) => {
      if (detail) void dependencies.endStateSaver?.save(detail, () => this.#locations());
    });
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.#model = model;
    const shown = parseOutputMetadata(model.metadata);
    // The cell's next message comes later than this: nothing that the task prints is missed.
    if (shown) queueMicrotask(() => this.#join());
    if (shown) this.#draw(shown);
    else await this.#host.renderStill(model, this.node);
  }

  override dispose(): void {
    if (this.isDisposed) return;
    const cell = this.#cell;
    this.#cell = null;
    this.#host.dispose();
    this.#element?.remove();
    this.#element = this.#model = null;
    super.dispose();
    cell?.removeView(this.#view);
  }

  protected override onAfterAttach(): void {
    if (this.#element) this.#join();
  }

  /** Let the cell around this know of the view. Idempotent. */
  #join(): void {
    if (this.isDisposed) return;
    this.#cell ??= this.#dependencies.printed?.addView(this, this.#view) ?? null;
    const area = areaOf(this);
    if (area && this.#element && !END_STATES.has(this.#element.task.state)) keepHeight(area);
  }

  #updateView(): void {
    this.#view.update();
    this.#cell?.refresh();
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
