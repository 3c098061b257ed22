/** JupyterLab as the host of a task's element: its renderers and notebooks. */

import { NotebookActions, type NotebookPanel } from "@jupyterlab/notebook";
import type { IRenderMime, IRenderMimeRegistry } from "@jupyterlab/rendermime";
import { MessageLoop } from "@lumino/messaging";
import { Widget } from "@lumino/widgets";
import type { Host } from "../../element/index.js";
import type { Snapshot } from "../../net/types.js";
import type { CellPlace } from "../../model/traceback.js";
import { goToLine } from "./cell_place.js";
import { cellIndex, panelOf } from "./notebooks.js";

interface Dependencies {
  readonly rendermime: IRenderMimeRegistry;
  /** `place`: the notebook, or the line of a cell, to go to; absent: only the task. */
  open(task: Snapshot, place?: CellPlace | "notebook"): void;
}

export class PageHost implements Host {
  readonly #drawn = new Map<HTMLElement, Widget>();

  readonly #owner: Widget;
  readonly #dependencies: Dependencies;
  readonly #trusted: () => boolean;

  /** `owner`: the widget around the element; `trusted`: whether bundles may run scripts. */
  constructor(owner: Widget, dependencies: Dependencies, trusted: () => boolean) {
    this.#owner = owner;
    this.#dependencies = dependencies;
    this.#trusted = trusted;
  }

  readonly render = async (data: object, metadata: object, into: HTMLElement): Promise<void> => {
    const registry = panelOf(this.#owner)?.content.rendermime ?? this.#dependencies.rendermime;
    const model = registry.createModel({
      data: { ...data },
      metadata: { ...metadata },
      trusted: this.#trusted(),
    });
    const type = registry.preferredMimeType(model.data, model.trusted ? "any" : "ensure");
    if (!type) throw new Error("There is nothing here that draws it.");
    const renderer = registry.createRenderer(type);
    this.#attach(renderer, into);
    await renderer.renderModel(model);
  };

  /** Draw what other front-ends draw of an output of ours, such as one whose metadata a tool has stripped. */
  async renderStill({ data, metadata }: IRenderMime.IMimeModel, into: HTMLElement): Promise<void> {
    const still = Object.entries(data).filter(([type]) => type.startsWith("text/"));
    await this.render(Object.fromEntries(still), metadata, into).catch((error: unknown) => {
      into.textContent = String(error);
    });
  }

  readonly open = (task: unknown): void => this.#dependencies.open(task as Snapshot);

  readonly openNotebook = (task: unknown): void => this.#dependencies.open(task as Snapshot, "notebook");

  /** Go to a line of the notebook around the view; elsewhere, or when the cell is gone, to the task's own cell. */
  readonly openCell = (task: unknown, place: CellPlace): void => {
    const panel = panelOf(this.#owner);
    if (!panel || !goToLine(panel, place)) this.#dependencies.open(task as Snapshot, place);
  };

  readonly rerun = (task: unknown): (() => void) | null => {
    const panel = panelOf(this.#owner);
    const at = panel ? cellIndex(panel, (task as Snapshot).cell ?? "") : -1;
    return panel && at >= 0 ? () => void runCell(panel, at) : null;
  };

  readonly isAlone = (): boolean => panelOf(this.#owner)?.context.model.collaborative === false;

  dispose(): void {
    for (const widget of this.#drawn.values()) widget.dispose();
    this.#drawn.clear();
  }

  /** Put a renderer's widget into the page, and send it the message that it is attached. */
  #attach(widget: Widget, into: HTMLElement): void {
    this.#drawn.get(into)?.dispose();
    this.#disposeDetached();
    this.#drawn.set(into, widget);
    into.replaceChildren(widget.node);
    if (into.isConnected) MessageLoop.sendMessage(widget, Widget.Msg.AfterAttach);
  }

  #disposeDetached(): void {
    for (const [node, widget] of this.#drawn) {
      if (this.#owner.node.contains(node)) continue;
      widget.dispose();
      this.#drawn.delete(node);
    }
  }
}

/** Run a cell as the user would. */
function runCell({ content, sessionContext }: NotebookPanel, at: number): Promise<boolean> {
  content.deselectAll();
  content.activeCellIndex = at;
  return NotebookActions.run(content, sessionContext);
}
