/** `<jupyter-agent-compare-plots>`: a panel for each metric, in each a curve for each run. */

import { SCRIPT_ONLY } from "../dom/light_element.js";
import type { SeriesStyle } from "../dom/series_colors.js";
import { PanelsView } from "../element/plots/panels_view.js";
import type { PanelRow } from "../element/plots/plot_panel.js";
import { allEvents } from "../model/history.js";
import { printable } from "../model/format.js";
import { CSV_HEAD, metricLines } from "../model/metrics/csv.js";
import { firstParts, type Panel } from "../model/metrics/panels.js";
import type { SeriesSet } from "../model/metrics/series.js";
import type { Run } from "./compare_store.js";
import { metricOf, placeOfRun, ranked, runPanels, runSeries, runStyles } from "./run_series.js";

/** What is drawn of a list of runs. */
interface Drawn {
  readonly runs: readonly Run[];
  readonly panels: Panel[];
  readonly set: SeriesSet;
  styleOf(name: string): SeriesStyle;
}

export class ComparePlots extends PanelsView {
  static override properties = { ...PanelsView.properties, runs: SCRIPT_ONLY, labels: SCRIPT_ONLY };
  /** The runs to draw. */
  declare runs: readonly Run[];
  /** What each run is called, by its place. */
  declare labels: ReadonlyMap<number, string>;
  #drawn: Drawn | null = null;

  constructor() {
    super();
    this.runs = [];
    this.labels = new Map();
  }

  protected override get panels(): Panel[] {
    return this.#current.panels;
  }

  protected override get plotted(): SeriesSet {
    return this.#current.set;
  }

  /** Each change brings a new list of runs. */
  get #current(): Drawn {
    const { runs } = this;
    if (this.#drawn?.runs !== runs)
      this.#drawn = { runs, panels: runPanels(runs), set: runSeries(runs), styleOf: runStyles(runs) };
    return this.#drawn;
  }

  protected override styles(): (name: string) => SeriesStyle {
    return this.#current.styleOf;
  }

  protected override rows(panel: Panel): PanelRow[] {
    const isShared = new Set(panel.names.map(metricOf)).size > 1;
    return ranked(panel, this.plotted.series).map((name) => {
      const [label, metric] = [this.labels.get(placeOfRun(name)) ?? "", metricOf(name)];
      const part = printable(firstParts(metric) || metric);
      return { name, metric, label: isShared ? `${part} ${label}` : label };
    });
  }

  protected override latest(): undefined {
    return undefined;
  }

  protected override async csv(): Promise<string> {
    const lines = [`task,${CSV_HEAD}`];
    for (const { task } of this.runs) {
      const found = await metricLines(allEvents(this.server!, task.id, ["metric", "state"]));
      lines.push(...found.map((line) => `${task.id},${line}`));
    }
    return lines.join("");
  }

  protected override get fileName(): string {
    return "compared-metrics";
  }
}
