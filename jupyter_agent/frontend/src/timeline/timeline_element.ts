/** `<jupyter-agent-timeline>`: when tasks waited and ran, and the list of those in a chosen time. */

import { html, type PropertyValues, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { SCRIPT_ONLY, STATE } from "../dom/light_element.js";
import { PacedElement } from "../dom/paced_element.js";
import { adoptStyles } from "../dom/styles.js";
import { TaskListStore } from "../model/task_list_store.js";
import { sharedConnection } from "../net/connection_pool.js";
import type { Server } from "../net/server.js";
import type { Snapshot } from "../net/types.js";
import { barText, heightOf, type RowProps } from "./bars.js";
import { afterKey, onPress } from "./brush.js";
import { chosenTasks, plotHead } from "./chosen.js";
import { barAfterKey } from "./keys.js";
import { Arrangement } from "./arrangement.js";
import { nearestBar } from "./nearest_bar.js";
import type { Grouping, Row } from "./rows.js";
import type { Range } from "./spans.js";
import { TaskWindow } from "./task_window.js";
import css from "./timeline.css";
import { timelineTools } from "./tools.js";
import { SPANS, windowOf, zoomed } from "./window.js";

/** Milliseconds between two loads of a window that moves on with the time. */
const RELOAD_INTERVAL = 60_000;
/** Milliseconds between two drawings of what tasks report. */
const LIVE_INTERVAL = 250;
/** Milliseconds for which a window has to stay before its tasks are loaded: a wheel shows many on its way. */
const SETTLE_INTERVAL = 150;
/** Pixels of a wheel that zoom as one press of a button. */
const WHEEL_STEP = 240;
const [FIRST_SPAN] = SPANS[1]!;
const FIRST_WIDTH = 1000;

export class TimelineElement extends PacedElement {
  static override properties = {
    server: SCRIPT_ONLY,
    argument: SCRIPT_ONLY,
    current: SCRIPT_ONLY,
    span: STATE,
    end: STATE,
    grouping: STATE,
    brush: STATE,
    isBrushing: STATE,
    width: STATE,
    pointed: STATE,
    reachable: STATE,
  };
  declare server: Server;
  declare argument: string;
  declare current: string | null;
  /** Seconds that are shown. */
  declare span: number;
  /** The time at which the window ends; null: it moves on with the time. */
  declare end: number | null;
  declare grouping: Grouping;
  /** The chosen time; null: all of the window. */
  declare brush: Range | null;
  /** Whether a range is being chosen: the list follows once it is. */
  declare isBrushing: boolean;
  /** Pixels of the time. */
  declare width: number;
  /** The task under the pointer or with the focus. */
  declare pointed: string | null;
  /** The task whose bar the Tab key reaches. */
  declare reachable: string | null;
  #store: TaskListStore | null = null;
  #tasks: TaskWindow | null = null;
  #unsubscribe = () => {};
  /** The timer of the next drawing of what has come; 0: none is planned. */
  #planned = 0;
  #loaded = 0;
  /** The timer of the next load; 0: none is planned. */
  #loadPlanned = 0;
  readonly #arrangement = new Arrangement();
  readonly #sizes = new ResizeObserver(() => this.#measure());

  constructor() {
    super();
    this.current = this.end = this.brush = this.pointed = this.reachable = null;
    [this.argument, this.span, this.grouping] = ["", FIRST_SPAN, "notebook"];
    [this.isBrushing, this.width] = [false, FIRST_WIDTH];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    adoptStyles(this, css);
    this.#sizes.observe(this);
    this.addEventListener("wheel", this.#onWheel, { passive: false });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#planned);
    clearTimeout(this.#loadPlanned);
    this.#planned = this.#loadPlanned = 0;
    this.#sizes.disconnect();
    this.removeEventListener("wheel", this.#onWheel);
    this.#unsubscribe();
    this.#store = null;
  }

  protected override willUpdate(changed: PropertyValues): void {
    const isNew = !this.#store && this.isConnected;
    if (isNew) this.#attach();
    else if (["span", "end"].some((name) => changed.has(name))) this.#loadSoon();
  }

  #attach(): void {
    this.#store = TaskListStore.of(sharedConnection(this.server), this.server);
    this.#tasks = new TaskWindow(this.server, () => this.requestUpdate());
    this.#unsubscribe = this.#store.subscribe(() => this.#drawSoon());
    this.#load();
  }

  /** Draw what has come: not for each step of a busy task, since that moves no bar by a pixel. */
  #drawSoon(): void {
    this.#planned ||= window.setTimeout(() => ((this.#planned = 0), this.requestUpdate()), LIVE_INTERVAL);
  }

  #loadSoon(): void {
    clearTimeout(this.#loadPlanned);
    this.#loadPlanned = window.setTimeout(() => this.#load(), SETTLE_INTERVAL);
  }

  #load(): void {
    clearTimeout(this.#loadPlanned);
    [this.#loadPlanned, this.#loaded] = [0, performance.now()];
    void this.#tasks?.load(this.#window);
  }

  protected override tick(): void {
    if (this.end !== null || document.hidden) return;
    if (performance.now() - this.#loaded > RELOAD_INTERVAL) this.#load();
    this.requestUpdate();
  }

  get #now(): number {
    return this.#store?.connection.now() ?? Date.now() / 1000;
  }

  get #window(): Range {
    return windowOf(this.span, this.end, this.#now);
  }

  protected override render(): TemplateResult {
    const [window, now] = [this.#window, this.#now];
    const { tasks: loaded = new Map(), earlier = new Map(), isLoading = false } = this.#tasks ?? {};
    this.#arrangement.update({ loaded, earlier, live: this.#store?.tasks ?? [] }, this.grouping, window, now);
    const { rows, shown } = this.#arrangement;
    this.#tasks?.loadAttempts(shown);
    this.toggleAttribute("data-loading", isLoading || this.#loadPlanned > 0);
    const pointed = this.pointed === null ? null : (shown.find(({ id }) => id === this.pointed) ?? null);
    return html`${timelineTools(this.#toolProps(window))}
      <div class="jat-plot" @pointerdown=${this.#onPress} @click=${this.#onClick} @keydown=${this.#onKey}
        @pointerover=${this.#onPoint} @focusin=${this.#onPoint}>
        ${plotHead({ window, brush: this.brush, now, onKey: this.#onBrushKey })}
        ${this.#rows(rows, window)}
      </div>
      <p class="jat-about">${pointed ? barText(pointed) : "Point at a bar, or drag over a part of the time."}</p>
      ${this.#chosen(window)}`;
  }

  /** Render the list of the chosen time; while that is being chosen, as it was. */
  #chosen(window: Range): TemplateResult {
    const range = this.brush ?? window;
    const tasks = this.#arrangement.chosen(range, this.isBrushing);
    const { server, current, brush } = this;
    return chosenTasks({ server, tasks, current, range: brush, clear: this.#clear, zoom: this.#zoom });
  }

  #rows(rows: readonly Row[], window: Range): TemplateResult {
    if (rows.length === 0)
      return html`<p class="jat-empty">${this.#tasks?.isLoading ? "Loading…" : "No tasks in this time."}</p>`;
    const isThere = rows.some(({ bars }) => bars.some(({ task }) => task.id === this.reachable));
    const reachable = isThere ? this.reachable : rows[0]!.bars.at(-1)!.task.id;
    const { width, current } = this;
    const props: RowProps = { window, width, current, reachable, hasStrips: this.grouping === "name" };
    return html`<div class="jat-rows" role="list" aria-label="Timeline">
      ${repeat(
        rows,
        ({ key }) => key,
        (one) =>
          html`<jupyter-agent-timeline-row class="jat-row" role="listitem" data-key=${one.key} .row=${one} .props=${props}
          .style=${`min-height:${heightOf(one)}px`}></jupyter-agent-timeline-row>`,
      )}
    </div>`;
  }

  #toolProps(window: Range): Parameters<typeof timelineTools>[0] {
    return {
      grouping: this.grouping,
      span: this.span,
      isLive: this.end === null,
      said: this.#tasks?.said ?? "",
      setGrouping: (grouping) => (this.grouping = grouping),
      setSpan: (span) => ([this.span, this.brush] = [span, null]),
      move: (by) => this.#show({ from: window.from + by * this.span, to: window.to + by * this.span }),
      zoom: (steps) => this.#zoomBy(steps),
      showNow: () => ([this.end, this.brush] = [null, null]),
    };
  }

  readonly #onPress = (event: PointerEvent): void => {
    const track = this.querySelector<HTMLElement>(".jat-scale")!;
    onPress(event, track, {
      window: this.#window,
      brush: this.brush,
      preview: (range) => ([this.brush, this.isBrushing] = [range, true]),
      choose: (range) => ([this.brush, this.isBrushing] = [range, false]),
    });
  };

  #measure(): void {
    const width = this.querySelector(".jat-scale")?.clientWidth ?? 0;
    this.width = width > 0 ? width : FIRST_WIDTH;
  }

  /** Show another window: one that reaches up to now follows the time again. */
  #show({ from, to }: Range): void {
    const isLive = to >= this.#now;
    [this.span, this.end, this.brush] = [to - from, isLive ? null : to, null];
  }

  /** Zoom around the middle, or around `center`; a window that follows the time keeps its end. */
  #zoomBy(steps: number, center?: number): void {
    const window = this.#window;
    const middle = this.end === null ? window.to : (window.from + window.to) / 2;
    this.#show(zoomed(window, center ?? middle, steps));
  }

  readonly #onWheel = (event: WheelEvent): void => {
    const scale = this.querySelector(".jat-scale")?.getBoundingClientRect();
    const isHere = (event.target as Element).closest(".jat-plot") !== null;
    if (!isHere || !scale || !(event.ctrlKey || event.metaKey)) return; // it scrolls
    event.preventDefault();
    const window = this.#window;
    const share = Math.min(1, Math.max(0, (event.clientX - scale.left) / scale.width));
    this.#zoomBy(event.deltaY / WHEEL_STEP, window.from + share * (window.to - window.from));
  };

  readonly #onBrushKey = (event: KeyboardEvent, end: "from" | "to"): void => {
    const window = this.#window;
    const range = event.key === "Escape" ? null : afterKey(event, this.brush ?? window, end, window);
    if (range === null && (event.key !== "Escape" || this.brush === null)) return;
    event.preventDefault();
    event.stopPropagation();
    this.brush = range;
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    const steps = { "+": -1, "=": -1, "-": 1 }[event.key];
    if (steps && !event.ctrlKey && !event.metaKey) return this.#zoomBy(steps);
    const bar = (event.target as Element).closest<HTMLElement>(".jat-bar");
    const next = bar && barAfterKey(event.key, bar);
    if (!next) return;
    event.preventDefault();
    next.focus();
  };

  readonly #onPoint = ({ type, target }: Event): void => {
    const id = (target as Element).closest<HTMLElement>(".jat-bar")?.dataset.taskId;
    if (!id) return;
    this.pointed = id;
    if (type === "focusin") this.reachable = id;
  };

  readonly #onClick = (event: MouseEvent): void => {
    const id = nearestBar(event)?.dataset.taskId;
    if (!id || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const detail = this.#arrangement.shown.find((task) => task.id === id) ?? id;
    this.dispatchEvent(new CustomEvent<Snapshot | string>("ja-open", { bubbles: true, detail }));
  };

  readonly #clear = (): void => {
    this.brush = null;
  };

  readonly #zoom = (): void => {
    if (!this.brush) return;
    const { from, to } = this.brush;
    this.#show({ from: Math.min(from, to - 1), to });
  };
}
