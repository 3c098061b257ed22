/** The drawn part of a log: elements for the visible lines only, however long the log is. */

import type { Log } from "../model/log/log.js";
import { drawLine, type Look } from "./line_element.js";
import type { LineLayout } from "./line_layout.js";

/** The height of a row in pixels; the style sheet has the same. */
export const ROW_HEIGHT = 18;
/** Rows that are drawn beyond the visible ones, on either side. */
const MARGIN_ROWS = 60;
/** Up to this number of rows a log is drawn completely. */
const MAX_WHOLE_ROWS = 400;

/** Return whether every line of a log has an element of its own. */
export function isDrawnWhole(layout: LineLayout): boolean {
  return layout.end - layout.start <= MAX_WHOLE_ROWS;
}

export class LineWindow {
  readonly #box: HTMLElement;
  readonly #lines: HTMLElement;
  readonly #window: HTMLElement;
  /** The lines of the elements. */
  #shown: number[] = [];
  /** The first line that is drawn, and one past the last. */
  #drawn: [number, number] = [0, 0];

  /** `box`: the element that scrolls. */
  constructor(box: HTMLElement) {
    this.#box = box;
    this.#lines = box.querySelector<HTMLElement>(".ja-lines")!;
    this.#window = box.querySelector<HTMLElement>(".ja-window")!;
  }

  /** Draw all lines again with the next `fill`: the log, its layout or its look have changed. */
  invalidate(): void {
    this.#drawn = [0, 0];
  }

  /** Give the box the height of the whole log, and its width in columns (null: that of the box). */
  resize({ start, end }: LineLayout, columns: number | null): void {
    this.#lines.style.height = `${(end - start) * ROW_HEIGHT}px`;
    this.#lines.style.width = columns === null ? "" : `${columns}ch`;
  }

  /** Return the row at the top of the box. */
  topRow({ start }: LineLayout): number {
    return start + (this.#box.scrollTop - this.#lines.offsetTop) / ROW_HEIGHT;
  }

  scrollToRow(row: number, { start }: LineLayout): void {
    this.#box.scrollTop = (row - start) * ROW_HEIGHT + this.#lines.offsetTop;
  }

  scrollToEnd(): void {
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  /** Return the line of an element, or of one inside; null for any other. */
  lineOf(target: Element): number | null {
    const element = target.closest(".ja-line");
    const at = element ? [...this.#window.children].indexOf(element) : -1;
    return this.#shown[at] ?? null;
  }

  /** Draw the lines that can be seen, unless they are drawn. */
  fill(log: Log, layout: LineLayout, look: Look): void {
    const [from, to] = this.#visibleLines(log, layout);
    const [drawnFrom, drawnTo] = this.#drawn;
    if (drawnFrom === from && drawnTo === to) return;
    this.#drawn = [from, to];
    this.#window.style.transform = `translateY(${(layout.top(from) - layout.start) * ROW_HEIGHT}px)`;
    this.#draw(from, to, log, layout, look);
  }

  #visibleLines(log: Log, layout: LineLayout): [number, number] {
    if (isDrawnWhole(layout)) return [log.first, log.end];
    const row = Math.floor(this.topRow(layout));
    const rows = Math.ceil(this.#box.clientHeight / ROW_HEIGHT);
    return [layout.lineAt(row - MARGIN_ROWS), layout.lineAt(row + rows + MARGIN_ROWS) + 1];
  }

  /** Reuse the elements that are there, and write only what differs. */
  #draw(from: number, to: number, log: Log, layout: LineLayout, look: Look): void {
    const pool = this.#window.children;
    this.#shown = [];
    for (let index = from; index < to; index += 1) {
      const [line, rows] = [log.line(index), layout.top(index + 1) - layout.top(index)];
      if (!line || rows === 0) continue;
      const element = (pool[this.#shown.length] ??
        this.#window.appendChild(document.createElement("div"))) as HTMLElement;
      const height = `${rows * ROW_HEIGHT}px`;
      if (element.style.height !== height) element.style.height = height;
      drawLine(element, line, look);
      this.#shown.push(index);
    }
    while (pool.length > this.#shown.length) pool[pool.length - 1]!.remove();
  }
}

/** Return how many characters fit into a row of `box` beside a gutter of so many; 0 when it is not laid out. */
export function measureColumns(box: HTMLElement, gutter: number): number {
  const probe = document.createElement("span");
  probe.className = "ja-line ja-probe";
  probe.textContent = "0".repeat(100);
  box.append(probe);
  const each = probe.getBoundingClientRect().width / 100;
  probe.remove();
  const style = getComputedStyle(box);
  const room = box.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return each > 0 ? Math.max(1, Math.floor(room / each + 0.01) - gutter) : 0;
}
