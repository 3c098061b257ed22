/** The definition of `<jupyter-agent-task>` and its parts, once for the page. */

import { GalleryView } from "./gallery_view.js";
import { PlotView } from "./plots/plot_view.js";
import { SweepOffer } from "./sweep_offer.js";
import { ConversationView } from "./conversation_view.js";
import { TaskElement } from "./task_element.js";

const ELEMENTS: Record<string, CustomElementConstructor> = {
  "jupyter-agent-plot": PlotView,
  "jupyter-agent-gallery": GalleryView,
  "jupyter-agent-talk": ConversationView,
  "jupyter-agent-sweep": SweepOffer,
  "jupyter-agent-task": TaskElement,
};

for (const [name, element] of Object.entries(ELEMENTS)) {
  if (!customElements.get(name)) customElements.define(name, element);
}

declare global {
  interface HTMLElementTagNameMap {
    "jupyter-agent-task": TaskElement;
  }
}

export type { Host } from "./gallery_view.js";
export type { Kernel } from "./commands.js";
export { TaskElement } from "./task_element.js";
