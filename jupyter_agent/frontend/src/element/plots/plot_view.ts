/** `<jupyter-agent-plot>`: the plots of a task's metrics, a panel for each. */

import { html, type TemplateResult } from "lit";
import { SCRIPT_ONLY } from "../../dom/light_element.js";
import type { SeriesStyle } from "../../dom/series_colors.js";
import { printable } from "../../model/format.js";
import { allEvents } from "../../model/history.js";
import { metricsCsv } from "../../model/metrics/csv.js";
import { firstParts, panelsOf, plottedNames, type Panel } from "../../model/metrics/panels.js";
import type { Metrics } from "../../model/metrics/series.js";
import type { Snapshot } from "../../net/types.js";
import { PanelsView } from "./panels_view.js";
import { stylesOf } from "./plot_data.js";
import type { PanelRow } from "./plot_panel.js";

export class PlotView extends PanelsView {
  static override properties = { ...PanelsView.properties, metrics: SCRIPT_ONLY, task: SCRIPT_ONLY };
  declare metrics: Metrics | null;
  declare task: Snapshot | null;

  constructor() {
    super();
    this.metrics = this.task = null;
  }

  protected override get panels(): Panel[] {
    return panelsOf(this.server && this.task ? plottedNames(this.task.metrics, this.metrics) : []);
  }

  protected override get plotted(): Metrics | null {
    return this.metrics;
  }

  protected override styles(): (name: string) => SeriesStyle {
    return stylesOf(this.panels);
  }

  protected override rows({ names }: Panel): PanelRow[] {
    if (names.length === 1) return [];
    return names.map((name) => ({ name, metric: name, label: printable(firstParts(name) || name) }));
  }

  protected override latest(name: string): number | null | undefined {
    const known = this.task!.metrics;
    return Object.hasOwn(known, name) ? known[name]!.value : undefined;
  }

  /** In the bar, because it may come late: it moves nothing there. */
  protected override offer(): TemplateResult {
    return html`<jupyter-agent-sweep .server=${this.server} .task=${this.task}></jupyter-agent-sweep>`;
  }

  protected override csv(): Promise<string> {
    return metricsCsv(allEvents(this.server!, this.task!.id, ["metric", "state"]));
  }

  protected override get fileName(): string {
    return `${this.task!.id}-metrics`;
  }
}
