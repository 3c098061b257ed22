/** What the page does for a task's element: draws rich bundles as it draws its own, and opens notebooks. */

import type { IRenderMimeRegistry } from "@jupyterlab/rendermime";
import { MessageLoop } from "@lumino/messaging";
import { Widget } from "@lumino/widgets";
import type { Host } from "../../element/index.js";
import type { Snapshot } from "../../net/types.js";
import { panelOf } from "./notebooks.js";

interface Means {
  readonly rendermime: IRenderMimeRegistry;
  open(task: Snapshot): void;
}

export class PageHost implements Host {
  readonly #drawn = new Map<HTMLElement, Widget>();

  /** `owner`: what the element is in; `trusted`: whether bundles may run scripts. */
  constructor(
    private readonly owner: Widget,
    private readonly means: Means,
    private readonly trusted: () => boolean,
  ) {}

  readonly render = async (data: object, metadata: object, into: HTMLElement): Promise<void> => {
    const registry = panelOf(this.owner)?.content.rendermime ?? this.means.rendermime;
    const model = registry.createModel({
      data: { ...data },
      metadata: { ...metadata },
      trusted: this.trusted(),
    });
    const type = registry.preferredMimeType(model.data, model.trusted ? "any" : "ensure");
    if (!type) throw new Error("there is nothing here that draws it");
    const renderer = registry.createRenderer(type);
    this.#put(renderer, into);
    await renderer.renderModel(model);
  };

  readonly open = (task: unknown): void => this.means.open(task as Snapshot);

  dispose(): void {
    for (const widget of this.#drawn.values()) widget.dispose();
    this.#drawn.clear();
  }

  /** The page's widgets want to be told that they are shown. */
  #put(widget: Widget, into: HTMLElement): void {
    this.#drawn.get(into)?.dispose();
    this.#forgetGone();
    this.#drawn.set(into, widget);
    into.replaceChildren(widget.node);
    if (into.isConnected) MessageLoop.sendMessage(widget, Widget.Msg.AfterAttach);
  }

  #forgetGone(): void {
    for (const [node, widget] of this.#drawn) {
      if (this.owner.node.contains(node)) continue;
      widget.dispose();
      this.#drawn.delete(node);
    }
  }
}
