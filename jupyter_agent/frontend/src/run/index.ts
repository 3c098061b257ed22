/** The form, and the dialog around it; loaded when it is first asked for. */

import type { Server } from "../net/server.js";
import type { RunOptions, RunOutcome } from "../screens/run_options.js";
import { RunElement } from "./run_element.js";

const NAME = "jupyter-agent-run";
if (!customElements.get(NAME)) customElements.define(NAME, RunElement);

/** Show the form above the page. Resolves with what it did; null when it was closed. The focus goes back to where it was.
 *
 * Closed while the server is asked, it is only hidden: what was sent cannot be called back. It resolves with what came of
 * it, or is shown again with the refusal. */
export function openRunForm(server: Server, options: RunOptions): Promise<RunOutcome | null> {
  const dialog = document.createElement("dialog");
  const form = document.createElement(NAME) as HTMLElement & Pick<RunElement, "sending">;
  Object.assign(form, { server, options });
  dialog.className = "jar-dialog";
  dialog.setAttribute("aria-labelledby", "jar-heading");
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    let outcome: RunOutcome | null = null;
    const finish = () => (dialog.remove(), resolve(outcome));
    form.addEventListener("ja-done", (event) => {
      outcome = (event as CustomEvent<RunOutcome | null>).detail;
      if (dialog.open) dialog.close();
      else finish();
    });
    form.addEventListener("ja-refused", () => dialog.open || dialog.showModal());
    dialog.addEventListener("close", () => form.sending || finish());
  });
}
