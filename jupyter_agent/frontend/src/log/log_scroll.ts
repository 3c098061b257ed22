/** The box that scrolls: where the reader is, and the layout of the lines for its width. */

import type { Log } from "../model/log/log.js";
import type { Look } from "./line_element.js";
import { isTouched } from "../dom/touch.js";
import { LineLayout, TOUCH_ROWS } from "./line_layout.js";
import { isDrawnWhole, LineWindow, measureColumns, ROW_HEIGHT } from "./line_window.js";
import type { Gutter } from "./look.js";

/** Rows from the top at which earlier lines are fetched. */
const NEAR_TOP_ROWS = 10;
/** Pixels from the end that still count as the end. */
const NEAR_END = 8;
/** Rows that are shown above a line that is gone to. */
const ROWS_ABOVE = 3;
/** Columns while the box is not laid out. */
const FALLBACK_COLUMNS = 100;

export interface Drawing {
  readonly gutter: Gutter;
  readonly wrap: boolean;
  readonly folded: ReadonlySet<string>;
  readonly follow: boolean;
}

export class LogScroll {
  /** Whether the newest line is kept in view. */
  isFollowing = true;
  readonly #box: HTMLElement;
  readonly #window: LineWindow;
  readonly #headingRows = isTouched() ? TOUCH_ROWS : 1;
  #layout = this.#newLayout(FALLBACK_COLUMNS);
  #log: Log | null = null;
  #look: Look | null = null;
  /** The version of the log that is laid out. */
  #version = -1;
  #columns = FALLBACK_COLUMNS;
  #gutter = 0;
  /** The row at the top while the reader does not follow. */
  #topRow = 0;
  /** The line to go to with the next drawing; null: none. */
  #target: number | null = null;
  readonly #sizes: ResizeObserver;

  constructor(box: HTMLElement, changed: () => void) {
    this.#box = box;
    this.#window = new LineWindow(box);
    this.#sizes = new ResizeObserver(() => {
      if (this.#measure()) changed();
    });
  }

  observe(): void {
    this.#sizes.observe(this.#box);
  }

  disconnect(): void {
    this.#sizes.disconnect();
  }

  get isDrawnWhole(): boolean {
    return isDrawnWhole(this.#layout);
  }

  get isNearTop(): boolean {
    return this.#box.scrollTop < NEAR_TOP_ROWS * ROW_HEIGHT;
  }

  /** Start over with other lines. */
  reset(follow: boolean): void {
    [this.#version, this.#log, this.#target, this.#topRow] = [-1, null, null, 0];
    this.#layout = this.#newLayout(this.#layout.columns, this.#layout.folded);
    this.isFollowing = follow;
  }

  follow(following: boolean): void {
    this.isFollowing = following;
  }

  /** Go to a line with the next drawing. */
  show(line: number): void {
    [this.#target, this.isFollowing] = [line, false];
  }

  lineOf(target: Element): number | null {
    return this.#window.lineOf(target);
  }

  /** Note where the reader has scrolled to, and draw what is there. */
  onScroll(log: Log): void {
    const { scrollHeight, scrollTop, clientHeight } = this.#box;
    this.isFollowing = scrollHeight - scrollTop - clientHeight < NEAR_END;
    this.#topRow = this.#window.topRow(this.#layout);
    if (this.#look) this.#window.fill(log, this.#layout, this.#look);
  }

  /** Lay out what is new, scroll to where the reader is, and draw what is there. */
  draw(log: Log, look: Look, drawing: Drawing): void {
    this.#setGutter(drawing.gutter);
    this.#layOut(log, drawing);
    if (look.version !== this.#look?.version) this.#window.invalidate();
    this.#look = look;
    this.#window.resize(this.#layout, drawing.wrap ? null : this.#layout.widest + drawing.gutter.all);
    this.#place(drawing.follow);
    this.#window.fill(log, this.#layout, look);
  }

  #newLayout(columns: number, folded?: ReadonlySet<string>): LineLayout {
    return new LineLayout(columns, folded, this.#headingRows);
  }

  #layOut(log: Log, { wrap, folded }: Drawing): void {
    const columns = wrap ? this.#columns : Infinity;
    if (columns !== this.#layout.columns || folded !== this.#layout.folded) {
      const line = this.#layout.lineAt(this.#topRow);
      this.#layout = this.#newLayout(columns, folded);
      this.#layout.sync(log);
      this.#topRow = this.#layout.top(line);
    } else if (log.version !== this.#version || log !== this.#log) this.#layout.sync(log);
    else return;
    [this.#version, this.#log] = [log.version, log];
    this.#window.invalidate();
  }

  #place(follow: boolean): void {
    if (this.#target !== null)
      this.#topRow = Math.max(this.#layout.start, this.#layout.top(this.#target) - ROWS_ABOVE);
    this.#target = null;
    if (follow) this.#window.scrollToEnd();
    else this.#window.scrollToRow(this.#topRow, this.#layout);
  }

  #setGutter({ number, all }: Gutter): void {
    this.#box.style.setProperty("--ja-number", `${number}ch`);
    this.#box.style.setProperty("--ja-gutter", `${all}ch`);
    if (all === this.#gutter) return;
    this.#gutter = all;
    this.#measure();
  }

  /** Measure the columns of a row. Returns whether they have changed. */
  #measure(): boolean {
    const columns = measureColumns(this.#box, this.#gutter);
    if (columns === this.#columns || columns <= 0) return false;
    this.#columns = columns;
    return true;
  }
}
