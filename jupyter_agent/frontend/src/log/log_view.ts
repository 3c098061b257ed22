/** `<jupyter-agent-log>`: the log of a task, with search, levels, times, copy and download. */

import { html, type PropertyValues, type TemplateResult } from "lit";
import { LightElement, SCRIPT_ONLY, STATE } from "../dom/light_element.js";
import { adoptStyles } from "../dom/styles.js";
import { copyText } from "../dom/clipboard.js";
import type { Level } from "../model/log/levels.js";
import type { Line } from "../model/log/line.js";
import type { Source } from "../model/log/source.js";
import type { TaskStore } from "../model/task_store.js";
import { LogScroll } from "./log_scroll.js";
import { ansiCss } from "./ansi_css.js";
import { linkToLine } from "./line_address.js";
import { foldKey } from "./line_layout.js";
import { gutterOf, lookOf } from "./look.js";
import { readPreferences, type Preferences, writePreferences } from "./preferences.js";
import { Reading } from "./reading.js";
import { saveWhole, type Sources } from "./sources.js";
import { toolbar } from "./toolbar.js";
import css from "./log.css";

/** Milliseconds that a confirmation is shown. */
const CONFIRMATION_TIME = 2000;

/** The styles of coloured text, made when there is some. */
let coloursCss: string | undefined;

export class LogView extends LightElement {
  static override properties = {
    store: SCRIPT_ONLY,
    label: {},
    feedback: STATE,
    preferences: STATE,
    isOpen: STATE,
  };
  declare store: TaskStore | null;
  declare label: string;
  /** The outcome of a button: a confirmation, progress or an error. */
  declare feedback: string;
  declare preferences: Preferences;
  /** Whether the tools are shown where there is little room. */
  declare isOpen: boolean;
  readonly #reading = new Reading({
    changed: () => this.requestUpdate(),
    show: (index) => (this.#scroll?.show(index), this.#hold()),
    reset: (follow) => this.#scroll?.reset(follow),
    attempt: (job) => void this.#try(job),
  });
  #scroll: LogScroll | null = null;
  #folded = new Set<string>();

  constructor() {
    super();
    this.store = null;
    [this.label, this.feedback, this.isOpen] = ["", "", false];
    this.preferences = readPreferences();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    adoptStyles(this, css);
    this.#scroll?.observe();
    this.#hold();
    if (this.store && this.#reading.level !== null) this.#setLevel(this.#reading.level);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#scroll?.disconnect();
    this.#reading.suspend();
    this.store?.log.release(this);
  }

  /** Start over for another store: its lines and versions are numbered anew. */
  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has("store")) this.#startOver(changed.get("store") as TaskStore | undefined);
    else this.#reading.update();
  }

  #startOver(before: TaskStore | undefined): void {
    before?.log.release(this);
    this.#folded = new Set();
    this.#reading.open(this.store);
  }

  get #sources(): Sources {
    return this.#reading.sources;
  }

  get #isEmpty(): boolean {
    return (
      !this.store ||
      (this.store.log.lines.length === 0 && (this.store.awaitsTail || this.store.earlier === 0))
    );
  }

  get #isFollowing(): boolean {
    return this.#sources.around === null && (this.#scroll?.isFollowing ?? true);
  }

  protected override render(): TemplateResult {
    const isWhole = this.#scroll?.isDrawnWhole ?? true;
    return html`<div class="ja-logbar" ?hidden=${this.#isEmpty}>${this.store ? this.#toolbar(this.store) : ""}</div>
      <div class="ja-log" data-lm-suppress-shortcuts="true" role="log" aria-live=${isWhole ? "polite" : "off"} tabindex="0" aria-label=${this.label}
        ?hidden=${this.#isEmpty} ?data-nowrap=${!this.preferences.wrap} @scroll=${this.#onScroll} @click=${this.#onClick}
        @keydown=${this.#onKey}><div class="ja-lines"><div class="ja-window"></div></div></div>`;
  }

  #toolbar(store: TaskStore): TemplateResult {
    return toolbar({
      query: this.#reading.query,
      found: this.#reading.status,
      feedback: this.feedback,
      earlier: store.awaitsTail ? 0 : this.#sources.shown!.earlier,
      following: this.#isFollowing,
      preferences: this.preferences,
      level: this.#reading.level,
      levels: store.task?.log?.levels ?? null,
      isOpen: this.isOpen,
      search: (query) => this.#search(query),
      step: (by) => this.#reading.step(by),
      setLevel: (level) => this.#setLevel(level),
      setPreferences: (preferences) => ((this.preferences = preferences), writePreferences(preferences)),
      loadEarlier: () => void this.#loadEarlier(),
      toggleFollowing: () => this.#follow(!this.#isFollowing),
      toggleTools: () => (this.isOpen = !this.isOpen),
      copy: () => void this.#try(copyText(this.#sources.shown!.log.text()).then(() => "Copied")),
      download: () => void this.#try(saveWhole(store)),
    });
  }

  protected override firstUpdated(): void {
    this.#scroll = new LogScroll(this.querySelector<HTMLElement>(".ja-log")!, () => this.requestUpdate());
    this.#scroll.observe();
  }

  protected override updated(): void {
    const [store, log] = [this.store, this.#sources.shown?.log];
    if (!store || !log || !this.#scroll) return;
    if (this.#reading.isAddressDue) void this.#try(this.#reading.openAddress());
    if (log.isStyled) adoptStyles(this, (coloursCss ??= ansiCss()));
    const [folded, follow, { time, wrap }] = [this.#folded, this.#isFollowing, this.preferences];
    const { loaded: search, current } = this.#reading;
    const looks = { store, search, time, folded, current };
    const gutter = gutterOf(log, store.task?.log?.lines ?? 0, time);
    this.#scroll.draw(log, lookOf(looks), { gutter, wrap, folded, follow });
  }

  #onScroll(): void {
    const [scroll, source] = [this.#scroll!, this.#sources.shown];
    if (!source) return;
    const wasFollowing = this.#isFollowing;
    scroll.onScroll(source.log);
    if (this.#sources.around && scroll.isFollowing) this.#onEndOfPlace(source);
    else if (this.#isFollowing !== wasFollowing) this.#hold();
    if (scroll.isNearTop && !this.#isFollowing && source.earlier !== 0) void this.#loadEarlier();
  }

  /** The reader has scrolled to the last line around a place: more follow, or these are the newest. */
  #onEndOfPlace(source: Source): void {
    if (source.later) void this.#try(source.loadLater());
    else this.#follow(true);
  }

  #follow(following: boolean): void {
    if (following) this.#reading.leavePlace();
    this.#scroll?.follow(following);
    this.#hold();
  }

  /** Keep earlier lines while they are read or searched. */
  #hold(): void {
    if (this.#isFollowing && !this.#reading.query) this.store?.log.release(this);
    else this.store?.log.hold(this);
    this.requestUpdate();
  }

  async #loadEarlier(): Promise<void> {
    this.#scroll?.follow(false);
    this.#hold();
    await this.#try(this.#sources.shown!.loadEarlier());
  }

  /** Await a job, and show its error or, for a moment, what it says. */
  async #try(job: Promise<unknown>): Promise<void> {
    try {
      const said = await job;
      this.feedback = typeof said === "string" ? said : "";
      if (this.feedback) setTimeout(() => (this.feedback = ""), CONFIRMATION_TIME);
    } catch (error) {
      this.feedback = error instanceof Error ? error.message : String(error);
    }
    this.requestUpdate();
  }

  #search(query: string): void {
    void this.#try(this.#reading.search(query));
    this.#hold();
  }

  #setLevel(level: Level | null): void {
    void this.#try(this.#reading.setLevel(level, () => this.isConnected));
    this.requestUpdate();
  }

  #onClick(event: MouseEvent): void {
    const target = event.target as Element;
    const index = this.#scroll!.lineOf(target);
    const line = index === null ? undefined : this.#sources.shown?.log.line(index);
    if (!line) return;
    if (target.closest(".ja-fold")) this.#toggleFold(line);
    const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey;
    if (!target.closest(".ja-number") || line.number === null || !isPlain) return;
    event.preventDefault();
    this.#reading.current = line;
    void this.#try(linkToLine(this.store!, line.number));
  }

  #toggleFold(heading: Line): void {
    const [key, folded] = [foldKey(heading), new Set(this.#folded)];
    if (!folded.delete(key)) folded.add(key);
    this.#folded = folded;
    this.requestUpdate();
  }

  #onKey(event: KeyboardEvent): void {
    const by = { n: 1, N: -1 }[event.key];
    if (by === undefined || !this.#reading.query || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.#reading.step(by);
  }
}
