/** The anywidget view: the task element with the kernel behind it, for front-ends without the extension. */

import "../element/index.js";
import type { Snapshot } from "../net/types.js";

/** The part of anywidget's model that this view uses. */
interface Model {
  get(name: string): unknown;
  send(message: object): void;
  on(event: string, call: () => void): void;
  off(event: string, call: () => void): void;
}

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const view = document.createElement("jupyter-agent-task");
  view.taskId = String(model.get("task_id"));
  view.slim = Boolean(model.get("slim"));
  view.kernel = {
    snapshot: () => (model.get("snapshot") as Snapshot | undefined) ?? null,
    send: (message) => model.send(message),
  };
  const refresh = () => view.refresh();
  model.on("change:snapshot", refresh);
  el.append(view);
  return () => {
    model.off("change:snapshot", refresh);
    view.remove();
  };
}

export default { render };
