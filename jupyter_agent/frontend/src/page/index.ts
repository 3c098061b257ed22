/** The tasks page at `jupyter-agent/`. The list that the server drew goes once this one is there. */

import "../element/index.js";
import "../list/index.js";
import { PageElement } from "./page.js";
import { forgetToken } from "./location.js";

const NAME = "jupyter-agent-page";

forgetToken();
if (!customElements.get(NAME)) customElements.define(NAME, PageElement);
document.querySelector("main.plain")?.remove();
document.body.append(document.createElement(NAME));
