/** The timeline, loaded by the first page that shows it. */

import { RowElement } from "./row_element.js";
import { TimelineElement } from "./timeline_element.js";

const NAME = "jupyter-agent-timeline";
if (!customElements.get(NAME)) {
  customElements.define(`${NAME}-row`, RowElement);
  customElements.define(NAME, TimelineElement);
}
