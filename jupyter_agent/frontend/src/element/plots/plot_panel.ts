/** The frame of one panel: its title with the last and the best value, and the box of its plot. */

import { html, nothing, type TemplateResult } from "lit";
import { formatNumber, printable } from "../../model/format.js";
import { bestText, placeText, type Panel, type XKind } from "../../model/metrics/panels.js";
import type { Series } from "../../model/metrics/series.js";
import type { SeriesStyle } from "../../dom/series_colors.js";
import { pointAt, type Cursor } from "./plot_data.js";

/** Maximum number of series with a line of their own in a panel's title. */
const MAX_ROWS = 6;

/** A line of a panel's title: a series, whose metric it is of, and what distinguishes it from the others. */
export interface PanelRow {
  readonly name: string;
  readonly metric: string;
  readonly label: string;
}

export interface PanelProps {
  readonly panel: Panel;
  /** Empty: the panel has one series, whose values are in the title. */
  readonly rows: readonly PanelRow[];
  readonly series: ReadonlyMap<string, Series>;
  readonly xKind: XKind;
  readonly cursor: Cursor | null;
  readonly isLarge: boolean;
  readonly isZoomed: boolean;
  styleOf(name: string): SeriesStyle;
  /** The last value that is known without the series; null: not a number. */
  latest(name: string): number | null | undefined;
  toggleLarge(): void;
  resetZoom(): void;
  onKey(event: KeyboardEvent): void;
}

export function plotPanel(props: PanelProps): TemplateResult {
  const { panel, rows, isLarge } = props;
  const word = isLarge ? "Shrink" : "Enlarge";
  return html`<div class="ja-metric" ?data-large=${isLarge} @keydown=${props.onKey}>
    <div class="ja-metric-head">
      <span class="ja-metric-title" data-picture title=${panel.title}>${panel.title}</span>
      ${rows.length === 0 ? values(props, panel.names[0]!, panel.names[0]!) : nothing}
      <button class="ja-quiet-button ja-enlarge" type="button" title=${word} aria-label=${`${word} ${panel.title}`} aria-pressed=${isLarge}
        @click=${props.toggleLarge}></button>
    </div>
    ${rows.slice(0, MAX_ROWS).map((one) => row(props, one))}
    ${rows.length > MAX_ROWS ? html`<div class="ja-metric-row">and ${rows.length - MAX_ROWS} more</div>` : nothing}
    <div class="ja-chart-box">
      <div class="ja-chart" data-key=${panel.key} role="img" aria-label=${`Plot of ${panel.names.map(printable).join(", ")}`} tabindex=${isLarge ? 0 : nothing}></div>
      <button class="ja-button ja-reset" type="button" ?hidden=${!props.isZoomed} @click=${props.resetZoom}>Reset zoom</button>
    </div>
  </div>`;
}

function row(props: PanelProps, { name, metric, label }: PanelRow): TemplateResult {
  const { color, dash } = props.styleOf(name);
  return html`<div class="ja-metric-row">
    <span class="ja-swatch" data-picture data-dash=${dash || nothing} .style=${`background:${color}`}></span>
    <span class="ja-label" data-picture>${label}</span>
    ${values(props, name, metric)}
  </div>`;
}

/** The value under the cursor and where it is; without a cursor, the last and the best. */
function values(
  { series, latest, cursor, panel, xKind }: PanelProps,
  name: string,
  metric: string,
): TemplateResult {
  const one = series.get(name);
  const at = one && cursor ? pointAt(one, cursor, panel.key, xKind) : null;
  const last = latest(name);
  const value = at ? at.y : last === undefined ? (one?.last?.y ?? null) : last;
  const note = at ? placeText(at) : one ? bestText(metric, one) : "";
  return html`<span class="ja-value" data-picture data-name=${name}>${formatNumber(value)}</span>
    <span class="ja-metric-note" data-picture title=${note}>${note}</span>`;
}
