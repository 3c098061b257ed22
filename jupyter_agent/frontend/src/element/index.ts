/** Defines `<jupyter-agent-task>`, once for the page. */

import { GalleryView } from "./galleryview.js";
import { LogView } from "./logview.js";
import { PlotView } from "./plotview.js";
import { TalkView } from "./talkview.js";
import { TaskElement } from "./task.js";

const ELEMENTS: Record<string, CustomElementConstructor> = {
  "jupyter-agent-log": LogView,
  "jupyter-agent-plot": PlotView,
  "jupyter-agent-gallery": GalleryView,
  "jupyter-agent-talk": TalkView,
  "jupyter-agent-task": TaskElement,
};

for (const [name, element] of Object.entries(ELEMENTS)) {
  if (!customElements.get(name)) customElements.define(name, element);
}

export type { Host } from "./galleryview.js";
export { TaskElement, type Kernel } from "./task.js";
