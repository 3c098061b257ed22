/** Panels of plots side by side, with one cursor: the base of the views of a task's metrics and of several tasks'. */

import { html, nothing, type PropertyDeclarations, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { LightElement, SCRIPT_ONLY, STATE } from "../../dom/light_element.js";
import { saveAsFile } from "../../dom/clipboard.js";
import type { Chart, ChartHandlers } from "../../plot/index.js";
import type { Server } from "../../net/server.js";
import type { SeriesStyle } from "../../dom/series_colors.js";
import { adoptStyles } from "../../dom/styles.js";
import type { SeriesSet } from "../../model/metrics/series.js";
import { wantsLogarithm, xKindOf, type Panel, type XKind } from "../../model/metrics/panels.js";
import { ChartSet, type ChartOwner } from "./chart_set.js";
import { loadPlot } from "../lazy_modules.js";
import { plotBar, type Scale } from "./plot_bar.js";
import { cursorAt, curvesOf, placeOf, seriesIn, steppedCursor, type Cursor } from "./plot_data.js";
import { plotPanel, type PanelProps, type PanelRow } from "./plot_panel.js";
import buttons from "../buttons.css";
import css from "./plots.css";

/** Milliseconds between two drawings, and before a failed load is tried again. */
const [DRAW_INTERVAL, RETRY_DELAY] = [250, 5000];
/** Number of panels that are shown unless the reader wants all. */
const MAX_PANELS = 12;
type Range = readonly [number, number];

export abstract class PanelsView extends LightElement implements ChartOwner {
  static override properties: PropertyDeclarations = {
    server: SCRIPT_ONLY,
    version: SCRIPT_ONLY,
    xKind: STATE,
    scale: STATE,
    smoothing: STATE,
    large: STATE,
    showsAll: STATE,
    cursor: STATE,
    said: STATE,
    isBare: STATE,
  };
  declare server: Server | null;
  declare version: number;
  declare xKind: XKind;
  declare scale: Scale;
  declare smoothing: number;
  /** The key of the panel that is enlarged; null: none. */
  declare large: string | null;
  declare showsAll: boolean;
  declare cursor: Cursor | null;
  declare said: string;
  /** Whether the module that draws cannot be loaded: the titles are shown, with their values. */
  declare isBare: boolean;
  /** How the axes of each panel were drawn last: "log" or "linear", and what the horizontal one shows. */
  readonly shown: Record<string, string> = Object.create(null) as Record<string, string>;
  readonly #zooms = new Map<string, Range>();
  #charts: ChartSet | null = null;
  #isLoading = false;
  #timer = 0;
  #lastDrawn = 0;

  constructor() {
    super();
    this.server = this.large = this.cursor = null;
    [this.version, this.smoothing, this.xKind, this.scale, this.said] = [0, 0, "step", "auto", ""];
    this.showsAll = this.isBare = false;
  }

  /** The panels to show, and the series that they draw, by the names in the panels. */
  protected abstract get panels(): Panel[];
  protected abstract get plotted(): SeriesSet | null;
  /** Return the style of each series. */
  protected abstract styles(): (name: string) => SeriesStyle;
  /** Return the lines of a panel's title; none: the title has the value of its only series. */
  protected abstract rows(panel: Panel): PanelRow[];
  /** Return the last value of a series: null for no number; undefined: the series itself tells. */
  protected abstract latest(name: string): number | null | undefined;
  /** Return all values as CSV, and the name of files without their ending. */
  protected abstract csv(): Promise<string>;
  protected abstract get fileName(): string;
  /** Return what else the bar above the panels offers. */
  protected offer(): TemplateResult | typeof nothing {
    return nothing;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    adoptStyles(this, buttons);
    adoptStyles(this, css);
    this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#close();
  }

  #panel(key: string): Panel | undefined {
    return this.panels.find((one) => one.key === key);
  }

  protected override render(): TemplateResult | typeof nothing {
    const panels = this.panels;
    if (panels.length === 0) return nothing;
    const shown = this.showsAll ? panels : panels.slice(0, MAX_PANELS);
    const styleOf = this.styles();
    return html`${this.#bar(panels)}
      <div class="ja-panels" data-count=${panels.length} ?data-bare=${this.isBare} @transitionend=${this.#onTransition} @transitioncancel=${this.#onTransition}>
        ${repeat(
          shown,
          ({ key }) => key,
          (panel) => plotPanel({ ...this.#panelProps(panel), styleOf }),
        )}
      </div>
      <button class="ja-quiet-button ja-more" type="button" ?hidden=${panels.length <= MAX_PANELS} @click=${this.#toggleAll}>${
        this.showsAll ? `Show the first ${MAX_PANELS}` : `Show all ${panels.length} plots`
      }</button>`;
  }

  #bar(panels: Panel[]): TemplateResult {
    const hasSteps = panels.some((panel) => seriesIn(panel, this.plotted).every((one) => one.hasSteps));
    return plotBar({
      xKind: this.xKind,
      hasSteps,
      scale: this.scale,
      smoothing: this.smoothing,
      more: this.offer(),
      said: this.said,
      setXKind: (kind) => {
        this.xKind = kind;
        this.#zooms.clear();
      },
      setScale: (scale) => (this.scale = scale),
      setSmoothing: (percent) => (this.smoothing = percent),
      saveCsv: () => void this.#save("csv", () => this.csv()),
      savePng: () => void this.#save("png", () => this.#picture()),
    });
  }

  #panelProps(panel: Panel): Omit<PanelProps, "styleOf"> {
    const { key } = panel;
    return {
      panel,
      rows: this.rows(panel),
      series: this.plotted?.series ?? new Map(),
      latest: (name) => this.latest(name),
      xKind: xKindOf(seriesIn(panel, this.plotted), this.xKind),
      cursor: this.cursor,
      isLarge: this.large === key,
      isZoomed: this.#zooms.has(key),
      toggleLarge: () => this.#toggleLarge(key),
      resetZoom: () => this.#zoom(key, null),
      onKey: (event) => this.#onKey(event, panel),
    };
  }

  protected override updated(): void {
    const boxes = this.querySelectorAll<HTMLElement>(".ja-chart");
    if (boxes.length === 0) return this.#close();
    if (!this.#charts) return void this.#load();
    this.#charts.follow(boxes);
    this.#mark();
    this.#schedule();
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#charts?.close();
    this.#charts = null;
  }

  async #load(): Promise<void> {
    if (this.#isLoading || !this.server) return;
    this.#isLoading = true;
    const module = await loadPlot(this.server).catch(() => null); // without plots, the titles have the values
    this.isBare = !module;
    if (!module) await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY));
    this.#isLoading = false;
    if (!this.isConnected) return;
    if (module) this.#charts = new ChartSet(module, this);
    this.requestUpdate();
  }

  #schedule(): void {
    if (this.#timer) return;
    const draw = () => {
      this.#timer = 0;
      this.#lastDrawn = performance.now();
      this.#charts?.draw();
    };
    this.#timer = window.setTimeout(draw, Math.max(0, this.#lastDrawn + DRAW_INTERVAL - performance.now()));
  }

  drawChart(key: string, chart: Chart, drawn: string): string {
    const panel = this.#panel(key);
    const series = panel ? seriesIn(panel, this.plotted) : [];
    if (!panel || series.length === 0) return drawn; // its points are still being loaded
    const xKind = xKindOf(series, this.xKind);
    const range = this.#zooms.get(key) ?? null;
    const log = this.scale === "log" || (this.scale === "auto" && wantsLogarithm(series));
    const styleOf = this.styles();
    const counts = series.map((one) => one.count);
    const wanted = JSON.stringify([
      panel.names.map((name) => [name, styleOf(name)]),
      counts,
      this.plotted?.attempt,
      xKind,
      range,
      log,
      this.smoothing,
    ]);
    if (wanted !== drawn)
      chart.draw(curvesOf(panel, this.plotted, this.xKind, this.smoothing, styleOf), { log, xKind, range });
    this.shown[key] = `${log ? "log" : "linear"} ${xKind}`;
    return wanted;
  }

  handlersOf(key: string): ChartHandlers {
    return {
      hover: (x) => {
        const panel = this.#panel(key);
        this.cursor = panel && x !== null ? cursorAt(panel, this.plotted, this.xKind, x) : null;
      },
      zoom: (range) => this.#zoom(key, range),
      click: () => this.#toggleLarge(key),
    };
  }

  /** Show the cursor in all panels. */
  #mark(): void {
    for (const [key, chart] of this.#charts?.charts ?? []) {
      const panel = this.cursor && this.#panel(key);
      chart.mark(panel ? placeOf(this.cursor, panel, this.plotted, this.xKind) : null);
    }
  }

  #zoom(key: string, range: Range | null): void {
    if (range) this.#zooms.set(key, range);
    else this.#zooms.delete(key);
    this.requestUpdate();
  }

  #toggleLarge(key: string): void {
    this.large = this.large === key ? null : key;
  }

  #onKey(event: KeyboardEvent, panel: Panel): void {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape" && this.large === panel.key) this.large = null;
    else if (by && (event.target as Element).matches(".ja-chart"))
      this.cursor = steppedCursor(this.cursor, panel, this.plotted, this.xKind, by);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** The colour of the text changes with the theme of the page: the style sheet makes that a transition. */
  readonly #onTransition = ({ propertyName }: TransitionEvent): void => {
    if (propertyName === "color") this.#charts?.followTheme();
  };

  async #save(kind: string, content: () => Promise<string | Blob>): Promise<void> {
    this.said = "";
    try {
      saveAsFile(`${this.fileName}.${kind}`, await content());
    } catch (error) {
      this.said = error instanceof Error ? error.message : String(error);
    }
  }

  async #picture(): Promise<Blob> {
    const module = await loadPlot(this.server!);
    this.#charts?.drawAll();
    const box = this.querySelector<HTMLElement>(".ja-panels")!;
    await new Promise(requestAnimationFrame); // uPlot draws at the end of the current turn
    return module.pictureOf(box, groundOf(this));
  }

  readonly #toggleAll = (): void => {
    this.showsAll = !this.showsAll;
  };
}

/** Return the colour behind an element. */
function groundOf(element: Element | null): string {
  for (; element; element = element.parentElement) {
    const color = getComputedStyle(element).backgroundColor;
    if (!/^(transparent|rgba\(.*, 0\))$/.test(color)) return color;
  }
  return "white";
}
