/** The notice of delayed actions: what waits, with the seconds in which it can be undone, and how the last one went. */

import { html, nothing, type TemplateResult } from "lit";
import { type DelayedActions, describeTasks, type Named } from "./delayed_actions.js";

/** `look`: what the classes of the list around it begin with. */
export function undoNotice<T extends Named>(
  actions: DelayedActions<T>,
  undo: () => void,
  look: "jal" | "jas",
): TemplateResult | typeof nothing {
  const { waiting, left, outcome } = actions.state;
  if (!waiting && !outcome) return nothing;
  if (!waiting) {
    return html`<div class="${look}-undo" role="status"><span class="${look}-undo-text">${outcome}</span>
      <button class="${look}-button ${look}-clear" type="button" aria-label="Dismiss" title="Dismiss" @click=${() => actions.dismiss()}>✕</button></div>`;
  }
  const word = waiting.verb === "delete" ? "Deleting" : "Cancelling";
  return html`<div class="${look}-undo" role="status"><span class="${look}-undo-text">${word} ${describeTasks(waiting.tasks)}<span aria-hidden="true"> in ${Math.ceil(left)}s</span></span>
    <button class="${look}-button" type="button" data-undo @click=${undo}>Undo</button>
    <button class="${look}-button" type="button" title="Do not wait" @click=${actions.doNow}>Now</button></div>`;
}
