/** Comparison of several tasks: loaded from the server when the first one is opened. */

import { CompareElement } from "./compare_element.js";
import { ComparePlots } from "./compare_plots.js";

const ELEMENTS: Record<string, CustomElementConstructor> = {
  "jupyter-agent-compare-plots": ComparePlots,
  "jupyter-agent-compare": CompareElement,
};

for (const [name, element] of Object.entries(ELEMENTS)) {
  if (!customElements.get(name)) customElements.define(name, element);
}

export { CompareElement };
