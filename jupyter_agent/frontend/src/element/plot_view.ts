/** The course of a task's metrics. */

import { LitElement, html, nothing, type TemplateResult } from "lit";
import type { Plot } from "../plot/index.js";
import type { Server } from "../net/server.js";
import type { Metrics } from "../model/series.js";
import { printable } from "../model/format.js";
import { loadPlot } from "./lazy_modules.js";

/** Milliseconds between two drawings, and before plots that could not be had are asked for again. */
const [EVERY, PAUSE] = [250, 5000];

export class PlotView extends LitElement {
  static override properties = {
    metrics: { attribute: false },
    server: { attribute: false },
    version: { attribute: false },
    logarithmic: { state: true },
  };
  declare metrics: Metrics | null;
  declare server: Server | null;
  declare version: number;
  declare logarithmic: boolean;
  #plot: Plot | null = null;
  #loading = false;
  #planned = 0;
  #last = 0;

  constructor() {
    super();
    this.metrics = this.server = null;
    this.version = 0;
    this.logarithmic = false;
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#planned);
    this.#planned = 0;
    this.#plot?.close();
    this.#plot = null;
  }

  /** Only what has a course: two points or more. */
  get #curves(): { name: string; spots: readonly { x: number; y: number }[] }[] {
    const series = [...(this.metrics?.series ?? [])].filter(([, one]) => one.points > 1);
    return series.map(([name, one]) => ({ name: printable(name), spots: one.drawn }));
  }

  protected override render(): TemplateResult | typeof nothing {
    const names = [...(this.metrics?.series ?? [])]
      .filter(([, one]) => one.points > 1)
      .map(([name]) => printable(name));
    if (names.length === 0 || !this.server) return nothing;
    return html`<div class="ja-plotbar">
        <button class="ja-quiet-button" type="button" aria-pressed=${this.logarithmic} @click=${this.#toggle}>Log scale</button>
      </div>
      <div class="ja-plot" role="img" aria-label=${`Plot of ${names.join(", ")}`}></div>`;
  }

  protected override updated(): void {
    if (!this.querySelector(".ja-plot")) return this.#gone();
    if (!this.#plot) void this.#load();
    else this.#plan();
  }

  #gone(): void {
    this.#plot?.close();
    this.#plot = null;
  }

  async #load(): Promise<void> {
    if (this.#loading || !this.server) return;
    this.#loading = true;
    const module = await loadPlot(this.server).catch(() => null); // the last values stand there as text
    if (!module) return void setTimeout(() => (this.#loading = false), PAUSE);
    this.#loading = false;
    const box = this.querySelector<HTMLElement>(".ja-plot");
    if (!box || !this.isConnected) return;
    this.#plot = new module.Plot(box);
    this.#draw();
  }

  #plan(): void {
    if (this.#planned) return;
    this.#planned = window.setTimeout(
      () => this.#draw(),
      Math.max(0, this.#last + EVERY - performance.now()),
    );
  }

  #draw(): void {
    this.#planned = 0;
    this.#last = performance.now();
    this.#plot?.draw(this.#curves, this.logarithmic);
  }

  #toggle(): void {
    this.logarithmic = !this.logarithmic;
  }
}
