/** The *System* panel: what a task's processes use, as curves by time, from when a reader opens it. */

import { adoptStyles } from "../dom/styles.js";
import { metricsCsv } from "../model/metrics/csv.js";
import { Metrics } from "../model/metrics/series.js";
import type { Server } from "../net/server.js";
import type { TaskEvent } from "../net/types.js";
import css from "./resources.css";

const MIB = 1 << 20;
/** The curves in the order of their panels: what the server calls them, what they are called here, and their unit. */
const CURVES = [
  ["sys/cpu", "sys/cpu %", 1],
  ["sys/memory", "sys/memory MiB", MIB],
  ["sys/gpu", "sys/gpu %", 1],
  ["sys/gpu_memory", "sys/gpu_memory MiB", MIB],
] as const;
const NAME = "jupyter-agent-system";

/** What is set of the element of a task's plots. */
interface PlotElement extends HTMLElement {
  metrics: Metrics | null;
  task: { id: string; metrics: object };
  version: number;
  server: Server;
}

/** The panel that is open in each box. */
const open = new WeakMap<HTMLElement, SystemPanel>();

export class SystemPanel {
  readonly #metrics = new Metrics();
  readonly #plot: PlotElement;
  readonly #note = document.createElement("span");
  #offset = 0;

  /** Return the panel that is open in a box; null: none is. */
  static in(box: HTMLElement): SystemPanel | null {
    return open.get(box) ?? null;
  }

  /** Open a panel in `box`; `closed` is called once the reader closes it. */
  constructor(
    readonly box: HTMLElement,
    server: Server,
    taskId: string,
    closed: () => void,
  ) {
    adoptStyles(box, css);
    defineElement();
    this.#plot = document.createElement(NAME) as PlotElement;
    Object.assign(this.#plot, { metrics: this.#metrics, task: { id: taskId, metrics: {} }, server });
    box.append(this.#head(closed), this.#plot);
    box.hidden = false;
    open.set(box, this);
  }

  #head(closed: () => void): HTMLElement {
    const [head, title, button] = ["div", "strong", "button"].map((name) => document.createElement(name));
    head!.className = "ja-system-head";
    title!.textContent = "System";
    button!.className = "ja-quiet-button";
    Object.assign(button!, { type: "button", textContent: "✕", title: "Close" });
    button!.setAttribute("aria-label", "Close System");
    button!.addEventListener("click", () => (this.close(), closed()));
    head!.append(title!, this.#note, button!);
    return head!;
  }

  /** Add what the processes use at `time`, in Unix seconds. A new attempt starts over. */
  add(values: Record<string, number>, attempt: number, time: number): void {
    for (const [key, name, unit] of CURVES) {
      if (values[key] === undefined) continue;
      const data = { name, value: values[key] / unit, step: null };
      this.#metrics.add({ type: "metric", attempt, time, offset: (this.#offset += 1), data } as TaskEvent);
    }
    this.#plot.version = this.#metrics.version;
  }

  /** Say whose the values are, or why there are no more. */
  say(note: string): void {
    this.#note.textContent = note;
  }

  close(): void {
    open.delete(this.box);
    this.box.replaceChildren();
    this.box.hidden = true;
  }
}

/** Define the element: that of a task's plots, without what is about its metrics. */
function defineElement(): void {
  if (customElements.get(NAME)) return;
  const Plots = customElements.get("jupyter-agent-plot") as new () => PlotElement;
  class SystemElement extends Plots {
    get fileName(): string {
      return `${this.task.id}-system`;
    }

    offer(): string {
      return "";
    }

    async csv(): Promise<string> {
      const points = [...(this.metrics?.series ?? [])].flatMap(([name, { drawn }]) =>
        drawn.map(({ time, y }) => ({ name, time, value: y })),
      );
      const start = this.metrics?.start ?? 0;
      const events = points.map(({ time, ...data }) => ({
        type: "metric",
        attempt: 1,
        time: start + time,
        data,
      }));
      return metricsCsv(pageOf(events as unknown as TaskEvent[]));
    }
  }
  customElements.define(NAME, SystemElement);
}

async function* pageOf(events: TaskEvent[]): AsyncGenerator<TaskEvent[]> {
  yield await Promise.resolve(events);
}
