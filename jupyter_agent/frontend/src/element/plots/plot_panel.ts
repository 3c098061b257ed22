/** The frame of one panel: its title with the last and the best value, and the box of its plot. */

import { html, nothing, type TemplateResult } from "lit";
import { formatNumber, printable } from "../../model/format.js";
import { bestText, firstParts, placeText, type Panel, type XKind } from "../../model/metrics/panels.js";
import type { Series } from "../../model/metrics/series.js";
import type { SeriesStyle } from "../../dom/series_colors.js";
import type { Snapshot } from "../../net/types.js";
import { pointAt, type Cursor } from "./plot_data.js";

/** Maximum number of series with a line of their own in a panel's title. */
const MAX_ROWS = 6;

export interface PanelProps {
  readonly panel: Panel;
  readonly series: ReadonlyMap<string, Series>;
  /** The last values that are known without the series. */
  readonly latest: Snapshot["metrics"];
  readonly xKind: XKind;
  readonly cursor: Cursor | null;
  readonly isLarge: boolean;
  readonly isZoomed: boolean;
  styleOf(name: string): SeriesStyle;
  toggleLarge(): void;
  resetZoom(): void;
  onKey(event: KeyboardEvent): void;
}

export function plotPanel(props: PanelProps): TemplateResult {
  const { panel, isLarge } = props;
  const isSingle = panel.names.length === 1;
  const word = isLarge ? "Shrink" : "Enlarge";
  return html`<div class="ja-metric" ?data-large=${isLarge} @keydown=${props.onKey}>
    <div class="ja-metric-head">
      <span class="ja-metric-title" data-picture title=${panel.title}>${panel.title}</span>
      ${isSingle ? values(props, panel.names[0]!) : nothing}
      <button class="ja-quiet-button ja-enlarge" type="button" title=${word} aria-label=${`${word} ${panel.title}`} aria-pressed=${isLarge}
        @click=${props.toggleLarge}></button>
    </div>
    ${isSingle ? nothing : panel.names.slice(0, MAX_ROWS).map((name) => row(props, name))}
    ${panel.names.length > MAX_ROWS ? html`<div class="ja-metric-row">and ${panel.names.length - MAX_ROWS} more</div>` : nothing}
    <div class="ja-chart-box">
      <div class="ja-chart" data-key=${panel.key} role="img" aria-label=${`Plot of ${panel.names.map(printable).join(", ")}`} tabindex=${isLarge ? 0 : nothing}></div>
      <button class="ja-button ja-reset" type="button" ?hidden=${!props.isZoomed} @click=${props.resetZoom}>Reset zoom</button>
    </div>
  </div>`;
}

function row(props: PanelProps, name: string): TemplateResult {
  const { color, dashed } = props.styleOf(name);
  const style = dashed ? `${color}88` : color;
  return html`<div class="ja-metric-row">
    <span class="ja-swatch" data-picture .style=${`background:${style}`}></span>
    <span class="ja-label" data-picture>${printable(firstParts(name) || name)}</span>
    ${values(props, name)}
  </div>`;
}

/** The value under the cursor and where it is; without a cursor, the last and the best. */
function values({ series, latest, cursor, panel, xKind }: PanelProps, name: string): TemplateResult {
  const one = series.get(name);
  const at = one && cursor ? pointAt(one, cursor, panel.key, xKind) : null;
  const last = Object.hasOwn(latest, name) ? latest[name]!.value : (one?.last?.y ?? null); // null: not a number
  const value = at ? at.y : last;
  const note = at ? placeText(at) : one ? bestText(name, one) : "";
  return html`<span class="ja-value" data-picture data-name=${name}>${formatNumber(value)}</span>
    <span class="ja-metric-note" data-picture title=${note}>${note}</span>`;
}
