/** The drawn part of a log: elements for the visible lines only, however long the log is. */

import type { Line, Log } from "../model/log.js";
import type { LineLayout } from "./line_layout.js";

/** The height of a row in pixels; the style sheet has the same. */
export const ROW_HEIGHT = 18;
/** Rows that are drawn beyond the visible ones, on either side. */
const MARGIN_ROWS = 60;
/** Up to this number of rows a log is drawn completely. */
const MAX_WHOLE_ROWS = 400;

/** Pairs of the first index and one past the last. */
export type Marks = readonly (readonly [number, number])[];

/** Return whether every line of a log has an element of its own. */
export function isDrawnWhole(layout: LineLayout): boolean {
  return layout.end - layout.start <= MAX_WHOLE_ROWS;
}

export class LineWindow {
  readonly #box: HTMLElement;
  readonly #lines: HTMLElement;
  readonly #window: HTMLElement;
  /** The first line that is drawn, and one past the last. */
  #drawn: [number, number] = [0, 0];

  /** `box`: the element that scrolls. */
  constructor(box: HTMLElement) {
    this.#box = box;
    this.#lines = box.querySelector<HTMLElement>(".ja-lines")!;
    this.#window = box.querySelector<HTMLElement>(".ja-window")!;
  }

  /** Draw all lines again with the next `fill`: the log, its layout or its marks have changed. */
  invalidate(): void {
    this.#drawn = [0, 0];
  }

  /** Give the box the height of the whole log. */
  resize({ start, end }: LineLayout): void {
    this.#lines.style.height = `${(end - start) * ROW_HEIGHT}px`;
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

  /** Draw the lines that can be seen, unless they are drawn. */
  fill(log: Log, layout: LineLayout, marksOf: (text: string) => Marks): void {
    const [from, to] = this.#visibleLines(log, layout);
    const [drawnFrom, drawnTo] = this.#drawn;
    if (drawnFrom === from && drawnTo === to) return;
    this.#drawn = [from, to];
    this.#window.style.transform = `translateY(${(layout.top(from) - layout.start) * ROW_HEIGHT}px)`;
    this.#draw(from, to, log, layout, marksOf);
  }

  #visibleLines(log: Log, layout: LineLayout): [number, number] {
    if (isDrawnWhole(layout)) return [layout.lineAt(layout.start), log.end];
    const row = Math.floor(this.topRow(layout));
    const rows = Math.ceil(this.#box.clientHeight / ROW_HEIGHT);
    return [layout.lineAt(row - MARGIN_ROWS), layout.lineAt(row + rows + MARGIN_ROWS) + 1];
  }

  /** Reuse the elements that are there, and write only what differs. */
  #draw(from: number, to: number, log: Log, layout: LineLayout, marksOf: (text: string) => Marks): void {
    const pool = this.#window.children;
    let at = 0;
    for (let number = from; number < to; number += 1) {
      const line = log.line(number);
      if (!line) continue;
      const element = pool[at] ?? this.#window.appendChild(document.createElement("div"));
      const rows = layout.top(number + 1) - layout.top(number);
      drawLine(element as HTMLElement, line, rows, marksOf(line.text));
      at += 1;
    }
    while (pool.length > at) pool[pool.length - 1]!.remove();
  }
}

function drawLine(element: HTMLElement, line: Line, rows: number, marks: Marks): void {
  const height = `${rows * ROW_HEIGHT}px`;
  if (element.className !== "ja-line") element.className = "ja-line";
  if (element.dataset.kind !== line.kind) element.dataset.kind = line.kind;
  if (element.style.height !== height) element.style.height = height;
  const marked = element.dataset.marked === "1";
  if (marks.length === 0 && !marked && element.textContent === line.text) return;
  element.replaceChildren(...markedText(line.text, marks));
  if (marks.length > 0) element.dataset.marked = "1";
  else if (marked) delete element.dataset.marked;
}

function markedText(text: string, marks: Marks): (Node | string)[] {
  const parts: (Node | string)[] = [];
  let end = 0;
  for (const [from, to] of marks) {
    const mark = document.createElement("mark");
    mark.textContent = text.slice(from, to);
    parts.push(text.slice(end, from), mark);
    end = to;
  }
  parts.push(text.slice(end));
  return parts;
}

/** Return how many characters fit into a row of `box`; 0 when it is not laid out. */
export function measureColumns(box: HTMLElement): number {
  const probe = document.createElement("span");
  probe.className = "ja-line ja-probe";
  probe.textContent = "0".repeat(100);
  box.append(probe);
  const each = probe.getBoundingClientRect().width / 100;
  probe.remove();
  const style = getComputedStyle(box);
  const room = box.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return each > 0 ? Math.max(1, Math.floor(room / each + 0.01)) : 0;
}
