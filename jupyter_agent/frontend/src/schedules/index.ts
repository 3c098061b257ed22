/** The views of schedules and of forwards, loaded by the first page that shows one. */

import { ForwardsElement } from "./forwards_element.js";
import { SchedulesElement } from "./schedules_element.js";

const ELEMENTS: Record<string, CustomElementConstructor> = {
  "jupyter-agent-schedules": SchedulesElement,
  "jupyter-agent-forwards": ForwardsElement,
};

for (const [name, element] of Object.entries(ELEMENTS)) {
  if (!customElements.get(name)) customElements.define(name, element);
}
