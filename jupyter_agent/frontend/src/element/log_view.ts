/** The log of a task: as many lines as there are, as few elements as can be seen. */

import { LitElement, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import type { Feed } from "../model/task_store.js";
import { LOG_TYPES, Log, type Line } from "../model/log.js";
import { all } from "../model/history.js";
import { number } from "../model/format.js";
import { copyText, save } from "../dom/clipboard.js";
import { Rows } from "./line_layout.js";
import { Search } from "./search.js";

/** Pixels; the style sheet says the same. */
const ROW = 18;
/** Rows that are drawn although they cannot be seen, on either side. */
const MARGIN = 60;
/** A log of so few rows is drawn whole. */
const WHOLE = 400;
/** Rows from the top at which earlier lines are fetched. */
const NEAR_TOP = 10;
/** Pixels from the end that still count as the end. */
const NEAR_END = 8;
const FALLBACK_COLUMNS = 100;

export class LogView extends LitElement {
  static override properties = { feed: { attribute: false }, label: {}, said: { state: true } };
  declare feed: Feed | null;
  declare label: string;
  /** What a button has to say. */
  declare said: string;
  #rows = new Rows(FALLBACK_COLUMNS);
  #following = true;
  #version = -1;
  #shown: [number, number] = [0, 0];
  /** The row that is at the top while the reader reads. */
  #reading = 0;
  #box: HTMLElement | null = null;
  #window: HTMLElement | null = null;
  readonly #search = new Search();
  readonly #sizes = new ResizeObserver(() => this.#resized());

  constructor() {
    super();
    this.feed = null;
    this.label = "";
    this.said = "";
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#sizes.disconnect();
    this.feed?.log.release(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.#box) this.#sizes.observe(this.#box);
    if (!this.#following) this.feed?.log.hold(this);
  }

  /** Another feed counts its lines and versions anew. */
  protected override willUpdate(changed: PropertyValues): void {
    if (!changed.has("feed")) return;
    (changed.get("feed") as Feed | undefined)?.log.release(this);
    this.#rows = new Rows(this.#rows.columns);
    [this.#version, this.#following] = [-1, true];
    if (this.feed) this.#search.look(this.#search.query, this.feed.log);
  }

  protected override render(): TemplateResult {
    const earlier = this.feed?.earlier ?? 0;
    return html`
      <div class="ja-logbar" ?hidden=${this.#empty}>
        ${this.#searchBar(earlier)}
        <span class="ja-said" role="status">${this.said}</span>
        ${
          earlier === 0
            ? nothing
            : html`<span class="ja-earlier">${number(earlier)} earlier</span>
          <button class="ja-quiet-button" type="button" @click=${this.#earlier}>Show earlier</button>`
        }
        <button class="ja-quiet-button" type="button" aria-pressed=${this.#following} title="Keep the newest line in sight"
          @click=${this.#toggleFollow}>Follow</button>
        <button class="ja-quiet-button" type="button" title="Copy the lines that are here" @click=${this.#copy}>Copy</button>
        <button class="ja-quiet-button" type="button" title="Save the whole log as a file" ?hidden=${!this.feed}
          @click=${this.#download}>Download</button>
      </div>
      <div class="ja-log" data-lm-suppress-shortcuts="true" role="log" aria-live=${this.#whole ? "polite" : "off"} tabindex="0" aria-label=${this.label}
        ?hidden=${this.#empty} @scroll=${this.#scrolled}><div class="ja-lines"><div class="ja-window"></div></div></div>`;
  }

  /** Whether every line has an element of its own, which is read out when it is new. */
  get #whole(): boolean {
    return this.#rows.end - this.#rows.start <= WHOLE;
  }

  get #empty(): boolean {
    return !this.feed || (this.feed.log.lines.length === 0 && this.feed.earlier === 0);
  }

  #searchBar(earlier: number): TemplateResult {
    const { query, count, position } = this.#search;
    return html`<input class="ja-search" type="search" placeholder="Search" aria-label="Search the log" autocomplete="off"
        .value=${query} @input=${this.#searched} @keydown=${this.#searchKey} />
      ${query ? html`<span class="ja-found" role="status">${count ? `${number(position)} of ${number(count)}` : "none"}</span>` : nothing}
      ${query && earlier ? html`<button class="ja-quiet-button" type="button" @click=${this.#searchAll}>Search earlier</button>` : nothing}`;
  }

  protected override firstUpdated(): void {
    this.#box = this.querySelector(".ja-log");
    this.#window = this.querySelector(".ja-window");
    if (this.#box) this.#sizes.observe(this.#box);
  }

  protected override updated(): void {
    if (!this.feed || !this.#box) return;
    if (this.feed.log.version !== this.#version) this.#sync(this.feed.log);
    this.#place();
  }

  #sync(log: Log): void {
    this.#version = log.version;
    this.#rows.sync(log);
    this.#search.update(log);
    this.#shown = [0, 0];
  }

  /** Put the window where it belongs, and fill it. */
  #place(): void {
    const box = this.#box!;
    const lines = box.querySelector<HTMLElement>(".ja-lines")!;
    lines.style.height = `${(this.#rows.end - this.#rows.start) * ROW}px`;
    if (this.#following) box.scrollTop = box.scrollHeight;
    else box.scrollTop = (this.#reading - this.#rows.start) * ROW + lines.offsetTop;
    this.#fill(lines.offsetTop);
  }

  #fill(above: number): void {
    const box = this.#box!;
    const whole = this.#whole;
    const row = this.#rows.start + Math.floor((box.scrollTop - above) / ROW);
    const from = whole ? this.#rows.lineAt(this.#rows.start) : this.#rows.lineAt(row - MARGIN);
    const to = whole
      ? this.feed!.log.end
      : this.#rows.lineAt(row + Math.ceil(box.clientHeight / ROW) + MARGIN) + 1;
    const [shownFrom, shownTo] = this.#shown;
    if (shownFrom === from && shownTo === to) return;
    this.#shown = [from, to];
    this.#window!.style.transform = `translateY(${(this.#rows.top(from) - this.#rows.start) * ROW}px)`;
    this.#draw(from, to);
  }

  /** Elements are used again: only what differs is written. */
  #draw(from: number, to: number): void {
    const pool = this.#window!.children;
    let at = 0;
    for (let number = from; number < to; number += 1) {
      const line = this.feed!.log.line(number);
      if (!line) continue;
      const element = (pool[at] ?? this.#window!.appendChild(document.createElement("div"))) as HTMLElement;
      drawLine(
        element,
        line,
        this.#rows.top(number + 1) - this.#rows.top(number),
        this.#search.marksOf(line.text),
      );
      at += 1;
    }
    while (pool.length > at) pool[pool.length - 1]!.remove();
  }

  #scrolled(): void {
    const box = this.#box!;
    const above = box.querySelector<HTMLElement>(".ja-lines")!.offsetTop;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END;
    const reading = this.#rows.start + (box.scrollTop - above) / ROW;
    if (atEnd !== this.#following && (atEnd || reading < this.#reading || this.#following))
      this.#follow(atEnd);
    this.#reading = reading;
    this.#fill(above);
    if (!this.#following && box.scrollTop < NEAR_TOP * ROW && this.feed!.earlier > 0) void this.#earlier();
  }

  #follow(following: boolean): void {
    this.#following = following;
    if (following) this.feed?.log.release(this);
    else this.feed?.log.hold(this);
    this.requestUpdate();
  }

  #toggleFollow(): void {
    this.#follow(!this.#following);
  }

  /** Other columns, other rows: keep the line in sight that was there. */
  #resized(): void {
    const columns = columnsOf(this.#box!);
    if (columns === this.#rows.columns || columns <= 0) return;
    const line = this.#rows.lineAt(this.#reading);
    this.#rows = new Rows(columns);
    this.#version = -1;
    if (this.feed) this.#sync(this.feed.log);
    this.#reading = this.#rows.top(line);
    this.requestUpdate();
  }

  async #earlier(): Promise<void> {
    if (this.#following) this.#follow(false);
    await this.#try(this.feed!.loadEarlier());
  }

  async #try(job: Promise<unknown>): Promise<boolean> {
    try {
      await job;
      this.said = "";
      return true;
    } catch (error) {
      this.said = error instanceof Error ? error.message : String(error);
      return false;
    }
  }

  #searched(event: InputEvent): void {
    this.#search.look((event.target as HTMLInputElement).value, this.feed!.log);
    this.#show();
  }

  #searchKey(event: KeyboardEvent): void {
    if (event.key !== "Enter") return;
    event.preventDefault();
    this.#search.step(event.shiftKey ? -1 : 1);
    this.#show();
  }

  /** Bring the present match into sight. */
  #show(): void {
    const line = this.#search.line;
    this.#shown = [0, 0];
    if (line !== null) {
      this.#follow(false);
      this.#reading = Math.max(this.#rows.start, this.#rows.top(line) - 3);
    }
    this.requestUpdate();
  }

  async #searchAll(): Promise<void> {
    this.feed!.log.hold(this);
    while (this.feed!.earlier > 0) {
      this.said = `${number(this.feed!.earlier)} to go`;
      const before = this.feed!.earlier;
      if (!(await this.#try(this.feed!.loadEarlier())) || this.feed!.earlier >= before) break;
    }
    this.#show();
  }

  #copy(): void {
    const text = textOf(this.feed!.log);
    void this.#try(copyText(text)).then((done) => done && this.#say("Copied"));
  }

  async #download(): Promise<void> {
    const whole = new Log(Infinity);
    const { server, taskId } = this.feed!;
    const load = async () => {
      for await (const events of all(server, taskId, LOG_TYPES)) for (const event of events) whole.add(event);
    };
    if (await this.#try(load())) save(`${taskId}.log`, textOf(whole));
  }

  #say(text: string): void {
    this.said = text;
    setTimeout(() => (this.said = ""), 2000);
  }
}

function drawLine(element: HTMLElement, line: Line, rows: number, marks: readonly [number, number][]): void {
  const height = `${rows * ROW}px`;
  if (element.className !== "ja-line") element.className = "ja-line";
  if (element.dataset.kind !== line.kind) element.dataset.kind = line.kind;
  if (element.style.height !== height) element.style.height = height;
  const marked = element.dataset.marked === "1";
  if (marks.length === 0 && !marked && element.textContent === line.text) return;
  element.replaceChildren(...markedText(line.text, marks));
  if (marks.length > 0) element.dataset.marked = "1";
  else if (marked) delete element.dataset.marked;
}

function markedText(text: string, marks: readonly [number, number][]): (Node | string)[] {
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

/** How many characters stand beside each other. */
function columnsOf(box: HTMLElement): number {
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

function textOf(log: Log): string {
  return log.lines.map((line) => `${line.text}\n`).join("");
}
