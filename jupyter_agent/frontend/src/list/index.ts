/** The definition of `<jupyter-agent-tasks>`, once for the page. */

import { TasksElement } from "./tasks_element.js";

const NAME = "jupyter-agent-tasks";

if (!customElements.get(NAME)) customElements.define(NAME, TasksElement);

declare global {
  interface HTMLElementTagNameMap {
    "jupyter-agent-tasks": TasksElement;
  }
}

export { TasksElement } from "./tasks_element.js";
