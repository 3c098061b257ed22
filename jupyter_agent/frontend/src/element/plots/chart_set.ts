/** The charts of a plot view: made when they come into sight, and drawn a few in each frame. */

import type * as PlotModule from "../../plot/index.js";
import type { Chart, ChartHandlers } from "../../plot/index.js";

/** Milliseconds of a frame that drawing may take: the browser's painting comes on top, and takes longer. The other charts
 * are drawn in the next one. */
const FRAME_BUDGET = 6;
/** Pixels outside the visible part within which a chart is drawn already. */
const NEARBY = "150px";

/** What a set of charts belongs to. */
export interface ChartOwner {
  /** Return what the reader does with the chart of this panel. */
  handlersOf(key: string): ChartHandlers;
  /** Draw, unless the chart shows it already. `drawn`: what the last call returned. */
  drawChart(key: string, chart: Chart, drawn: string): string;
}

interface Slot {
  readonly box: HTMLElement;
  chart: Chart | null;
  isVisible: boolean;
  drawn: string;
}

export class ChartSet {
  readonly #slots = new Map<string, Slot>();
  readonly #sights: IntersectionObserver;
  readonly #sizes: ResizeObserver;
  #frame = 0;

  constructor(
    readonly module: typeof PlotModule,
    readonly owner: ChartOwner,
  ) {
    this.#sights = new IntersectionObserver((entries) => this.#onSights(entries), { rootMargin: NEARBY });
    this.#sizes = new ResizeObserver((entries) => {
      for (const { target } of entries) this.#slots.get(keyOf(target))?.chart?.resize();
    });
  }

  /** The chart of a panel; null while it has none. */
  chart(key: string): Chart | null {
    return this.#slots.get(key)?.chart ?? null;
  }

  get charts(): [string, Chart][] {
    return [...this.#slots].flatMap(([key, { chart }]) => (chart ? [[key, chart] as [string, Chart]] : []));
  }

  /** Follow the boxes that are on the page now. */
  follow(boxes: Iterable<HTMLElement>): void {
    const present = new Map([...boxes].map((box) => [keyOf(box), box]));
    for (const [key, slot] of this.#slots) if (present.get(key) !== slot.box) this.#remove(key, slot);
    for (const [key, box] of present) {
      if (this.#slots.has(key)) continue;
      this.#slots.set(key, { box, chart: null, isVisible: false, drawn: "" });
      this.#sights.observe(box);
      this.#sizes.observe(box);
    }
  }

  /** Draw the charts in sight that have changed. */
  draw(): void {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#drawSome();
    });
  }

  /** Draw every chart now, also those out of sight. */
  drawAll(): void {
    for (const [key, slot] of this.#slots) this.#drawOne(key, slot);
  }

  followTheme(): void {
    for (const [, chart] of this.charts) chart.followTheme();
  }

  close(): void {
    cancelAnimationFrame(this.#frame);
    this.#sights.disconnect();
    this.#sizes.disconnect();
    for (const [, chart] of this.charts) chart.close();
    this.#slots.clear();
  }

  #drawSome(): void {
    const end = performance.now() + FRAME_BUDGET;
    for (const [key, slot] of this.#slots) {
      if (!slot.isVisible) continue;
      if (performance.now() > end) return this.draw(); // those drawn already cost nothing the next time
      this.#drawOne(key, slot);
    }
  }

  #drawOne(key: string, slot: Slot): void {
    slot.chart ??= new this.module.Chart(slot.box, this.owner.handlersOf(key));
    slot.drawn = this.owner.drawChart(key, slot.chart, slot.drawn);
  }

  #onSights(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      const slot = this.#slots.get(keyOf(target));
      if (slot?.box !== target) continue;
      slot.isVisible = isIntersecting;
      if (isIntersecting) slot.chart?.followTheme();
    }
    this.draw();
  }

  #remove(key: string, { box, chart }: Slot): void {
    this.#sights.unobserve(box);
    this.#sizes.unobserve(box);
    chart?.close();
    this.#slots.delete(key);
  }
}

function keyOf(box: Element): string {
  return (box as HTMLElement).dataset.key ?? "";
}
