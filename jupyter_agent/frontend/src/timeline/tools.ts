/** The controls above the timeline. */

import { html, type TemplateResult } from "lit";
import { formatWholeDuration } from "../model/format.js";
import { type Grouping, GROUPINGS } from "./rows.js";
import { SPANS } from "./window.js";

export interface ToolProps {
  readonly grouping: Grouping;
  readonly span: number;
  /** Whether the window moves on with the time. */
  readonly isLive: boolean;
  /** What there is to say; empty: nothing. */
  readonly said: string;
  setGrouping(grouping: Grouping): void;
  setSpan(span: number): void;
  /** Move to the window before or after this one: -1 or 1. */
  move(by: number): void;
  /** Show more or less of the time: 1 or -1. */
  zoom(steps: number): void;
  showNow(): void;
}

export function timelineTools(props: ToolProps): TemplateResult {
  const isListed = SPANS.some(([span]) => span === props.span);
  return html`<div class="jat-tools">
    <label>Rows <select @change=${(event: Event) => props.setGrouping(valueOf(event) as Grouping)}>
      ${GROUPINGS.map((one) => html`<option value=${one} ?selected=${one === props.grouping}>by ${one}</option>`)}
    </select></label>
    <label>Time <select @change=${(event: Event) => props.setSpan(Number(valueOf(event)))}>
      ${isListed ? "" : html`<option value=${props.span} selected>${formatWholeDuration(props.span)}</option>`}
      ${SPANS.map(([span, label]) => html`<option value=${span} ?selected=${span === props.span}>${label}</option>`)}
    </select></label>
    <span class="jat-moves" role="group" aria-label="Move in time">
      <button type="button" @click=${() => props.move(-1)}>Earlier</button>
      <button type="button" @click=${() => props.move(1)} ?disabled=${props.isLive}>Later</button>
      <button type="button" aria-pressed=${props.isLive} @click=${props.showNow}>Now</button>
    </span>
    <span class="jat-moves" role="group" aria-label="How much time">
      <button type="button" title="More time (−)" aria-label="More time" @click=${() => props.zoom(1)}>−</button>
      <button type="button" title="Less time (+, or Ctrl and the wheel)" aria-label="Less time" @click=${() => props.zoom(-1)}>+</button>
    </span>
    <span class="jat-said" role="status">${props.said}</span>
  </div>`;
}

function valueOf(event: Event): string {
  return (event.target as HTMLSelectElement).value;
}
