/** `<jupyter-agent-plot>`: the plot of a task's metrics. */

import { html, nothing, type TemplateResult } from "lit";
import { LightElement, SCRIPT_ONLY, STATE } from "../dom/light_element.js";
import type { Plot } from "../plot/index.js";
import type { Server } from "../net/server.js";
import type { Metrics } from "../model/series.js";
import { printable } from "../model/format.js";
import { loadPlot } from "./lazy_modules.js";

/** Milliseconds between two drawings, and before a failed load is tried again. */
const [DRAW_INTERVAL, RETRY_DELAY] = [250, 5000];

export class PlotView extends LightElement {
  static override properties = {
    metrics: SCRIPT_ONLY,
    server: SCRIPT_ONLY,
    version: SCRIPT_ONLY,
    logarithmic: STATE,
  };
  declare metrics: Metrics | null;
  declare server: Server | null;
  declare version: number;
  declare logarithmic: boolean;
  #plot: Plot | null = null;
  #loading = false;
  #timer = 0;
  #lastDrawn = 0;

  constructor() {
    super();
    this.metrics = this.server = null;
    this.version = 0;
    this.logarithmic = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#plot?.close();
    this.#plot = null;
  }

  /** The series with two values or more. */
  get #curves(): { name: string; points: readonly { x: number; y: number }[] }[] {
    const series = [...(this.metrics?.series ?? [])].filter(([, one]) => one.count > 1);
    return series.map(([name, one]) => ({ name: printable(name), points: one.drawn }));
  }

  protected override render(): TemplateResult | typeof nothing {
    const names = [...(this.metrics?.series ?? [])]
      .filter(([, one]) => one.count > 1)
      .map(([name]) => printable(name));
    if (names.length === 0 || !this.server) return nothing;
    return html`<div class="ja-plotbar">
        <button class="ja-quiet-button" type="button" aria-pressed=${this.logarithmic} @click=${this.#toggle}>Log scale</button>
      </div>
      <div class="ja-plot" role="img" aria-label=${`Plot of ${names.join(", ")}`}></div>`;
  }

  protected override updated(): void {
    if (!this.querySelector(".ja-plot")) return this.#close();
    if (!this.#plot) void this.#load();
    else this.#schedule();
  }

  #close(): void {
    this.#plot?.close();
    this.#plot = null;
  }

  async #load(): Promise<void> {
    if (this.#loading || !this.server) return;
    this.#loading = true;
    const module = await loadPlot(this.server).catch(() => null); // without plots, the last values are shown as text
    if (!module) return void setTimeout(() => (this.#loading = false), RETRY_DELAY);
    this.#loading = false;
    const box = this.querySelector<HTMLElement>(".ja-plot");
    if (!box || !this.isConnected) return;
    this.#plot = new module.Plot(box);
    this.#draw();
  }

  #schedule(): void {
    if (this.#timer) return;
    this.#timer = window.setTimeout(
      () => this.#draw(),
      Math.max(0, this.#lastDrawn + DRAW_INTERVAL - performance.now()),
    );
  }

  #draw(): void {
    this.#timer = 0;
    this.#lastDrawn = performance.now();
    this.#plot?.draw(this.#curves, this.logarithmic);
  }

  #toggle(): void {
    this.logarithmic = !this.logarithmic;
  }
}
