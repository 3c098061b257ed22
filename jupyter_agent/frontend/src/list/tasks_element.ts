/** `<jupyter-agent-tasks>`: a live list of all tasks of a server, or of some that are named. */

import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { LightElement, SCRIPT_ONLY, STATE } from "../dom/light_element.js";
import { adoptStyles } from "../dom/styles.js";
import type { Host } from "../element/index.js";
import { END_STATES } from "../model/reducer.js";
import { TaskListStore } from "../model/task_list_store.js";
import { endNotice } from "../dom/end_notice.js";
import { pageServer, type Server } from "../net/server.js";
import { sharedConnection } from "../net/connection_pool.js";
import type { Snapshot, Status } from "../net/types.js";
import { type StateFilter, filterByState, searchTasks } from "./filter.js";
import { focusedTarget, restoreFocus, type FocusTarget } from "./focus.js";
import { FrameScheduler } from "../dom/frame_scheduler.js";
import { PendingActions } from "./pending_actions.js";
import { row } from "./row.js";
import { RowActions } from "./row_actions.js";
import css from "./tasks.css";
import { connectionNotice, emptyNotice, toolbar, needsToolbar } from "./toolbar.js";
import { nameOf } from "./labels.js";

/** Rows that are drawn at first, and more with each press of "Load more". */
const ROWS_PER_PAGE = 100;
/** Seconds between two drawings while no task is active, so that relative times ("2 min ago") stay current. */
const IDLE_REDRAW_INTERVAL = 10;

/** The key of "Load more" among the pending actions of rows. */
const WHOLE_LIST = "";

export class TasksElement extends LightElement {
  static override properties = {
    server: SCRIPT_ONLY,
    host: SCRIPT_ONLY,
    ids: { attribute: false, hasChanged: differ },
    snapshots: SCRIPT_ONLY,
    current: SCRIPT_ONLY,
    query: STATE,
    filter: STATE,
    rows: STATE,
    announcement: STATE,
  };
  /** The tasks' server; null: none that this page can reach. */
  declare server: Server | null;
  declare host: Host | null;
  /** Only these tasks, in this order; null: all. */
  declare ids: readonly string[] | null;
  /** The snapshots to draw until the server has sent its own. */
  declare snapshots: readonly Snapshot[];
  /** The task that is shown beside the list; null: none. */
  declare current: string | null;
  declare query: string;
  declare filter: StateFilter;
  declare rows: number;
  /** The text for screen readers: which task has ended. */
  declare announcement: string;
  #store: TaskListStore | null = null;
  #unsubscribers: (() => void)[] = [];
  readonly #pending = new PendingActions(() => this.requestUpdate());
  readonly #actions = new RowActions(this, () => this.#store, this.#pending);
  #focus: FocusTarget | null = null;
  #clock = 0;
  #seconds = 0;
  readonly #scheduler = new FrameScheduler();
  readonly #visibility = new IntersectionObserver((entries) =>
    this.#scheduler.setVisible(entries.at(-1)?.isIntersecting ?? true),
  );

  constructor() {
    super();
    this.server = pageServer();
    this.host = this.ids = this.current = null;
    this.snapshots = [];
    this.query = this.announcement = "";
    this.filter = "all";
    this.rows = ROWS_PER_PAGE;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    adoptStyles(this, css);
    this.addEventListener("click", this.#actions.onClick);
    this.addEventListener("keydown", this.#actions.onKeydown);
    this.#clock = window.setInterval(() => this.#tick(), 1000);
    this.#visibility.observe(this);
    this.#attach();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.removeEventListener("click", this.#actions.onClick);
    this.removeEventListener("keydown", this.#actions.onKeydown);
    clearInterval(this.#clock);
    this.#visibility.disconnect();
    this.#detach();
  }

  /** The newest known snapshots. */
  get tasks(): readonly Snapshot[] {
    const known = this.#store?.isLoaded ? this.#store.tasks : this.snapshots;
    return this.ids ? inOrderOf(known, this.ids) : known;
  }

  get status(): Status {
    return this.#store?.status ?? "offline";
  }

  /** Draw at most once for each frame. */
  protected override async scheduleUpdate(): Promise<void> {
    await this.#scheduler.nextFrame();
    void super.scheduleUpdate();
  }

  protected override willUpdate(changed: PropertyValues): void {
    this.#focus = focusedTarget(this);
    if (this.isConnected && (changed.has("server") || changed.has("ids")) && this.hasUpdated) this.#attach();
  }

  #attach(): void {
    this.#detach();
    if (!this.server || this.ids?.length === 0) return;
    this.#store = TaskListStore.of(sharedConnection(this.server), this.server, this.ids);
    this.#unsubscribers = [
      this.#store.subscribe(() => this.requestUpdate()),
      this.#store.subscribeToChanges(this.#onChange),
    ];
  }

  #detach(): void {
    for (const stop of this.#unsubscribers) stop();
    this.#unsubscribers = [];
    this.#store = null;
  }

  readonly #onChange = (before: Snapshot | null, after: Snapshot): void => {
    this.#pending.clearRefusal(after.id);
    if (END_STATES.has(after.state) && before?.state !== after.state)
      this.announcement = `${nameOf(after)} ${after.state}`;
  };

  #tick(): void {
    this.#seconds += 1;
    const isActive = this.tasks.some((task) => !END_STATES.has(task.state));
    if (isActive || this.#seconds % IDLE_REDRAW_INTERVAL === 0) this.requestUpdate();
  }

  get #now(): number {
    return this.#store?.connection.now() ?? Date.now() / 1000;
  }

  protected override render(): TemplateResult {
    const all = this.tasks;
    const found = searchTasks(all, this.query);
    const chosen = filterByState(found, this.filter);
    const narrowed = this.query !== "" || this.filter !== "all";
    return html`${needsToolbar(all, this.ids !== null, narrowed) ? this.#tools(found) : nothing}
      ${this.#store ? connectionNotice(this.status, this.#error(), this.#store.connection.trouble) : nothing}
      ${chosen.length > 0 ? this.#rowList(chosen) : this.#empty(narrowed)}
      ${this.#more(chosen)}
      <div class="jal-said" role="status" aria-live="polite">${this.announcement}</div>`;
  }

  #tools(found: readonly Snapshot[]): TemplateResult {
    const { query, filter } = this;
    return toolbar({
      query,
      filter: filter,
      found,
      more: this.#store?.more ?? false,
      search: (query) => ([this.query, this.rows] = [query, ROWS_PER_PAGE]),
      filterBy: (filter) => ([this.filter, this.rows] = [filter, ROWS_PER_PAGE]),
    });
  }

  #rowList(tasks: readonly Snapshot[]): TemplateResult {
    const now = this.#now;
    return html`<ul class="jal-rows" role="list" aria-label="Tasks">
      ${repeat(
        tasks.slice(0, this.rows),
        (task) => task.id,
        (task) => this.#row(task, now),
      )}
    </ul>`;
  }

  #row(task: Snapshot, now: number): TemplateResult {
    return row({
      task,
      now,
      rate: this.#store?.rate(task) ?? null,
      href: this.#address(task),
      busy: this.#pending.busy(task.id),
      refused: this.#pending.refusal(task.id),
      confirming: this.#actions.confirming === task.id,
      current: this.current === task.id,
      canCommand: this.#store !== null,
      canOpenNotebook: Boolean(this.host?.open),
    });
  }

  #empty(narrowed: boolean): TemplateResult {
    const waiting = this.#store !== null && !this.#store.isLoaded;
    return emptyNotice(
      waiting,
      narrowed && this.tasks.length > 0,
      this.ids,
      () => ([this.query, this.filter] = ["", "all"]),
    );
  }

  #more(chosen: readonly Snapshot[]): TemplateResult | typeof nothing {
    const [hidden, older] = [chosen.length > this.rows, this.#store?.more ?? false];
    if (!hidden && !older) return nothing;
    const newest = this.query ? html`<span>Searched the newest ${this.tasks.length}.</span>` : nothing;
    return html`<p class="jal-more">${hidden ? nothing : newest}
      <button class="jal-button" type="button" ?disabled=${this.#pending.busy(WHOLE_LIST) !== ""} @click=${() => this.#loadMore(chosen.length)}>Load more</button>
      ${this.#pending.refusal(WHOLE_LIST) || nothing}</p>`;
  }

  #error(): string | TemplateResult | null {
    const list = this.#store;
    return list && (endNotice(list.server, list.connection) ?? list.refusal);
  }

  #address(task: Snapshot): string | null {
    return (
      this.server && new URL(`jupyter-agent/?task=${encodeURIComponent(task.id)}`, this.server.base).href
    );
  }

  /** Draw more rows, and load what they need beyond the `known` ones. */
  #loadMore(known: number): void {
    this.rows += ROWS_PER_PAGE;
    if (known >= this.rows || !this.#store?.more) return;
    const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
    void this.#pending.run(WHOLE_LIST, "more", () => this.#store!.loadMore().then(() => null, messageOf));
  }

  protected override updated(): void {
    if (this.#focus) restoreFocus(this, this.#focus);
    if (this.dataset.connection !== this.status) this.dataset.connection = this.status;
    this.toggleAttribute("data-named", this.ids !== null);
  }
}

function differ(ids: readonly string[] | null, before: readonly string[] | null | undefined): boolean {
  return JSON.stringify(ids) !== JSON.stringify(before);
}

function inOrderOf(tasks: readonly Snapshot[], ids: readonly string[]): readonly Snapshot[] {
  const known = new Map(tasks.map((task) => [task.id, task]));
  return ids.flatMap((id) => known.get(id) ?? []);
}
