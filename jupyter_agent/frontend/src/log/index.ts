/** The definition of `<jupyter-agent-log>`, once for the page; loaded from the server by the first view. */

import { LogView } from "./log_view.js";

const NAME = "jupyter-agent-log";

if (!customElements.get(NAME)) customElements.define(NAME, LogView);
