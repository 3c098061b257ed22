/** The controls above a task's plots. */

import { html, type nothing, type TemplateResult } from "lit";
import type { XKind } from "../../model/metrics/panels.js";

export type Scale = "auto" | "linear" | "log";

export interface PlotBarProps {
  readonly xKind: XKind;
  readonly hasSteps: boolean;
  readonly scale: Scale;
  /** Percent. */
  readonly smoothing: number;
  /** What else is offered there. */
  readonly more: TemplateResult | typeof nothing;
  /** What the last action has to say. */
  readonly said: string;
  setXKind(kind: XKind): void;
  setScale(scale: Scale): void;
  setSmoothing(percent: number): void;
  saveCsv(): void;
  savePng(): void;
}

export function plotBar(props: PlotBarProps): TemplateResult {
  const { xKind, hasSteps, scale, smoothing } = props;
  return html`<div class="ja-plotbar">
    <select class="ja-quiet-button" aria-label="Horizontal axis" title="Horizontal axis" ?hidden=${!hasSteps} .value=${xKind}
      @change=${(event: Event) => props.setXKind(valueOf(event) as XKind)}>
      <option value="step" ?selected=${xKind === "step"}>by step</option><option value="time" ?selected=${xKind === "time"}>by time</option>
    </select>
    <select class="ja-quiet-button" aria-label="Vertical axis" title="Vertical axis. Auto: logarithmic for positive values over three powers of ten" .value=${scale}
      @change=${(event: Event) => props.setScale(valueOf(event) as Scale)}>
      <option value="auto">auto scale</option><option value="linear">linear</option><option value="log">log scale</option>
    </select>
    <label class="ja-smoothing"><span class="ja-word">smooth</span> <input type="range" min="0" max="99" step="1" aria-label="Smoothing" title="Smoothing" aria-valuetext=${`${smoothing}%`}
      .value=${String(smoothing)} @input=${(event: Event) => props.setSmoothing(Number(valueOf(event)))}></label>
    <span class="ja-said" role="status">${props.said}</span>
    ${props.more}
    <span class="ja-saves"><button class="ja-quiet-button" type="button" title="Save all values as a table" @click=${props.saveCsv}>CSV</button><button
      class="ja-quiet-button" type="button" title="Save the plots as a picture" @click=${props.savePng}>PNG</button></span>
  </div>`;
}

function valueOf(event: Event): string {
  return (event.target as HTMLSelectElement | HTMLInputElement).value;
}
