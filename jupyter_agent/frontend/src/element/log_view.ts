/** `<jupyter-agent-log>`: the log of a task, with search, copy and download. */

import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { LightElement, SCRIPT_ONLY, STATE } from "../dom/light_element.js";
import type { TaskStore } from "../model/task_store.js";
import { LOG_TYPES, Log } from "../model/log.js";
import { allEvents } from "../model/history.js";
import { formatNumber } from "../model/format.js";
import { copyText, saveAsFile } from "../dom/clipboard.js";
import { LineLayout } from "./line_layout.js";
import { isDrawnWhole, LineWindow, measureColumns, ROW_HEIGHT, type Marks } from "./line_window.js";
import { Search } from "./search.js";

/** Rows from the top at which earlier lines are fetched. */
const NEAR_TOP_ROWS = 10;
/** Pixels from the end that still count as the end. */
const NEAR_END = 8;
/** Rows that are shown above the current match. */
const ROWS_ABOVE_MATCH = 3;
/** Columns while the box is not laid out. */
const FALLBACK_COLUMNS = 100;
/** Milliseconds that a confirmation is shown. */
const CONFIRMATION_TIME = 2000;

export class LogView extends LightElement {
  static override properties = { store: SCRIPT_ONLY, label: {}, feedback: STATE };
  declare store: TaskStore | null;
  declare label: string;
  /** The outcome of a button: a confirmation, progress or an error. */
  declare feedback: string;
  #layout = new LineLayout(FALLBACK_COLUMNS);
  /** Whether the newest line is kept in view. */
  #following = true;
  /** The version of the log that is laid out. */
  #version = -1;
  /** The row at the top while the reader does not follow. */
  #topRow = 0;
  /** The element that scrolls, and the lines in it; null before the first drawing. */
  #box: HTMLElement | null = null;
  #window: LineWindow | null = null;
  readonly #search = new Search();
  readonly #sizes = new ResizeObserver(() => this.#onResize());

  constructor() {
    super();
    this.store = null;
    this.label = "";
    this.feedback = "";
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#sizes.disconnect();
    this.store?.log.release(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.#box) this.#sizes.observe(this.#box);
    if (!this.#following) this.store?.log.hold(this);
  }

  /** Start over for another store: its lines and versions are numbered anew. */
  protected override willUpdate(changed: PropertyValues): void {
    if (!changed.has("store")) return;
    (changed.get("store") as TaskStore | undefined)?.log.release(this);
    this.#layout = new LineLayout(this.#layout.columns);
    [this.#version, this.#following] = [-1, true];
    if (this.store) this.#search.setQuery(this.#search.query, this.store.log);
  }

  protected override render(): TemplateResult {
    const earlier = this.store?.earlier ?? 0;
    return html`
      <div class="ja-logbar" ?hidden=${this.#isEmpty}>
        ${this.#searchBar(earlier)}
        <span class="ja-said" role="status">${this.feedback}</span>
        ${
          earlier === 0
            ? nothing
            : html`<span class="ja-earlier">${formatNumber(earlier)} earlier</span>
          <button class="ja-quiet-button" type="button" @click=${this.#loadEarlier}>Show earlier</button>`
        }
        <button class="ja-quiet-button" type="button" aria-pressed=${this.#following} title="Keep the newest line in sight"
          @click=${this.#toggleFollowing}>Follow</button>
        <button class="ja-quiet-button" type="button" title="Copy the lines that are here" @click=${this.#copy}>Copy</button>
        <button class="ja-quiet-button" type="button" title="Save the whole log as a file" ?hidden=${!this.store}
          @click=${this.#download}>Download</button>
      </div>
      <div class="ja-log" data-lm-suppress-shortcuts="true" role="log" aria-live=${isDrawnWhole(this.#layout) ? "polite" : "off"} tabindex="0" aria-label=${this.label}
        ?hidden=${this.#isEmpty} @scroll=${this.#onScroll}><div class="ja-lines"><div class="ja-window"></div></div></div>`;
  }

  /** The log of the current store, in handlers of what is only drawn with one. */
  get #log(): Log {
    return this.store!.log;
  }

  get #isEmpty(): boolean {
    return !this.store || (this.store.log.lines.length === 0 && this.store.earlier === 0);
  }

  #searchBar(earlier: number): TemplateResult {
    const { query, count, position } = this.#search;
    return html`<input class="ja-search" type="search" placeholder="Search" aria-label="Search the log" autocomplete="off"
        .value=${query} @input=${this.#onSearchInput} @keydown=${this.#onSearchKey} />
      ${query ? html`<span class="ja-found" role="status">${count ? `${formatNumber(position)} of ${formatNumber(count)}` : "none"}</span>` : nothing}
      ${query && earlier ? html`<button class="ja-quiet-button" type="button" @click=${this.#searchEarlier}>Search earlier</button>` : nothing}`;
  }

  protected override firstUpdated(): void {
    this.#box = this.querySelector<HTMLElement>(".ja-log")!;
    this.#window = new LineWindow(this.#box);
    this.#sizes.observe(this.#box);
  }

  protected override updated(): void {
    if (!this.store || !this.#window) return;
    if (this.store.log.version !== this.#version) this.#sync(this.store.log);
    this.#place(this.store.log, this.#window);
  }

  #sync(log: Log): void {
    this.#version = log.version;
    this.#layout.sync(log);
    this.#search.update(log);
    this.#window?.invalidate();
  }

  /** Scroll to where the reader is, and draw what is there. */
  #place(log: Log, window: LineWindow): void {
    window.resize(this.#layout);
    if (this.#following) window.scrollToEnd();
    else window.scrollToRow(this.#topRow, this.#layout);
    window.fill(log, this.#layout, this.#marksOf);
  }

  readonly #marksOf = (text: string): Marks => this.#search.marksOf(text);

  #onScroll(): void {
    const box = this.#box!;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END;
    const topRow = this.#window!.topRow(this.#layout);
    if (atEnd !== this.#following) this.#follow(atEnd);
    this.#topRow = topRow;
    this.#window!.fill(this.#log, this.#layout, this.#marksOf);
    const nearTop = box.scrollTop < NEAR_TOP_ROWS * ROW_HEIGHT;
    if (!this.#following && nearTop && this.store!.earlier > 0) void this.#loadEarlier();
  }

  #follow(following: boolean): void {
    this.#following = following;
    if (following) this.store?.log.release(this);
    else this.store?.log.hold(this);
    this.requestUpdate();
  }

  #toggleFollowing(): void {
    this.#follow(!this.#following);
  }

  /** Lay the log out for another width, and keep the same line at the top. */
  #onResize(): void {
    const columns = measureColumns(this.#box!);
    if (columns === this.#layout.columns || columns <= 0) return;
    const line = this.#layout.lineAt(this.#topRow);
    this.#layout = new LineLayout(columns);
    this.#version = -1;
    if (this.store) this.#sync(this.store.log);
    this.#topRow = this.#layout.top(line);
    this.requestUpdate();
  }

  async #loadEarlier(): Promise<void> {
    if (this.#following) this.#follow(false);
    await this.#try(this.store!.loadEarlier());
  }

  /** Await a job and show its error. Resolves with whether it succeeded. */
  async #try(job: Promise<unknown>): Promise<boolean> {
    try {
      await job;
      this.feedback = "";
      return true;
    } catch (error) {
      this.feedback = error instanceof Error ? error.message : String(error);
      return false;
    }
  }

  #onSearchInput(event: InputEvent): void {
    this.#search.setQuery((event.target as HTMLInputElement).value, this.#log);
    this.#showMatch();
  }

  #onSearchKey(event: KeyboardEvent): void {
    if (event.key !== "Enter") return;
    event.preventDefault();
    this.#search.step(event.shiftKey ? -1 : 1);
    this.#showMatch();
  }

  /** Scroll to the current match. */
  #showMatch(): void {
    const { line } = this.#search;
    this.#window?.invalidate();
    if (line !== null) {
      this.#follow(false);
      this.#topRow = Math.max(this.#layout.start, this.#layout.top(line) - ROWS_ABOVE_MATCH);
    }
    this.requestUpdate();
  }

  async #searchEarlier(): Promise<void> {
    this.#log.hold(this);
    while (this.store!.earlier > 0) {
      const before = this.store!.earlier;
      this.feedback = `${formatNumber(before)} to go`;
      if (!(await this.#try(this.store!.loadEarlier())) || this.store!.earlier >= before) break;
    }
    this.#showMatch();
  }

  #copy(): void {
    const text = textOf(this.#log);
    void this.#try(copyText(text)).then((done) => {
      if (done) this.#confirm("Copied");
    });
  }

  async #download(): Promise<void> {
    const { server, taskId } = this.store!;
    const whole = new Log(Infinity);
    const load = async () => {
      for await (const events of allEvents(server, taskId, LOG_TYPES)) {
        for (const event of events) whole.add(event);
      }
    };
    if (await this.#try(load())) saveAsFile(`${taskId}.log`, textOf(whole));
  }

  #confirm(text: string): void {
    this.feedback = text;
    setTimeout(() => (this.feedback = ""), CONFIRMATION_TIME);
  }
}

function textOf(log: Log): string {
  return log.lines.map((line) => `${line.text}\n`).join("");
}
