/** The entry of the tasks page at `jupyter-agent/`; replaces the list that the server rendered. */

import "../element/index.js";
import "../list/index.js";
import "../screens/screen_element.js";
import { PageElement } from "./page.js";
import { dropToken } from "./location.js";

const NAME = "jupyter-agent-page";

dropToken();
if (!customElements.get(NAME)) customElements.define(NAME, PageElement);
document.querySelector("main.plain")?.remove();
document.body.append(document.createElement(NAME));
