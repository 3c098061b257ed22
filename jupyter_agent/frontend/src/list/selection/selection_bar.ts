/** The bar below the rows: what the selected tasks can be told. */

import { html, nothing, type TemplateResult } from "lit";
import { canRetry, END_STATES } from "../../model/reducer.js";
import type { Snapshot } from "../../net/types.js";

export interface BarProps {
  readonly selected: readonly Snapshot[];
  readonly readOnly: boolean;
  compare(): void;
  cancel(): void;
  retry(): void;
  remove(): void;
  clear(): void;
}

/** Render the actions for the selected tasks, each with the number of those that it is for. */
export function selectionBar({ selected, readOnly, ...act }: BarProps): TemplateResult | typeof nothing {
  if (selected.length === 0) return nothing;
  const ended = selected.filter(({ state }) => END_STATES.has(state)).length;
  const buttons: [string, number, () => void][] = [
    ["Cancel", selected.length - ended, act.cancel],
    ["Retry", selected.filter(canRetry).length, act.retry],
    ["Delete", ended, act.remove],
  ];
  return html`<div class="jal-selected" role="toolbar" aria-label="Selected tasks">
    <span class="jal-selected-count" role="status">${selected.length}<span> selected</span></span>
    ${selected.length > 1 ? html`<button class="jal-button" type="button" @click=${act.compare}>Compare</button>` : nothing}
    ${buttons.map(([word, number, press]) => (number && !readOnly ? html`<button class="jal-button" type="button" data-bulk=${word.toLowerCase()} @click=${press}>${word} ${number}</button>` : nothing))}
    <button class="jal-button jal-clear" type="button" aria-label="Deselect all" title="Deselect all (Esc)" @click=${act.clear}>✕</button>
  </div>`;
}
