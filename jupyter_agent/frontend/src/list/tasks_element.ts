/** `<jupyter-agent-tasks>`: a live list of all tasks of a server, or of some that are named. */

import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { SCRIPT_ONLY, STATE } from "../dom/light_element.js";
import { PacedElement } from "../dom/paced_element.js";
import { adoptStyles } from "../dom/styles.js";
import type { Host } from "../element/index.js";
import { END_STATES } from "../model/reducer.js";
import { TaskListStore } from "../model/task_list_store.js";
import { endNotice } from "../dom/end_notice.js";
import { pageServer, type Server, taskAddress } from "../net/server.js";
import { sharedConnection } from "../net/connection_pool.js";
import type { Snapshot, Status } from "../net/types.js";
import { type ListView, PLAIN_VIEW } from "./filters/arrange.js";
import { keepView, keptView, savedFilters, watchFilters } from "./filters/saved_filters.js";
import { MetricFacts } from "../model/metric_facts.js";
import { WorkerUsage } from "./worker_usage.js";
import { needsToolbar, toolbar } from "./filters/toolbar.js";
import { ListContent } from "./list_content.js";
import { ListControls } from "./list_controls.js";
import { nameOf } from "./labels.js";
import { connectionNotice, emptyNotice } from "./notices.js";
import { PendingActions } from "./pending_actions.js";
import { row } from "./rows/row.js";
import { groupList, rowList } from "./rows/row_list.js";
import { DelayedActions } from "./undo/delayed_actions.js";
import css from "./tasks.css";

/** Rows that are drawn at first, and more with each press of "Load more". */
const ROWS_PER_PAGE = 100;
/** Seconds between two drawings while no task is active, so that relative times ("2 min ago") stay current. */
const IDLE_REDRAW_INTERVAL = 10;

/** The key of "Load more" among the pending actions of rows. */
const WHOLE_LIST = "";

export class TasksElement extends PacedElement {
  static override properties = {
    server: SCRIPT_ONLY,
    host: SCRIPT_ONLY,
    ids: { attribute: false, hasChanged: differ },
    snapshots: SCRIPT_ONLY,
    current: SCRIPT_ONLY,
    view: SCRIPT_ONLY,
    keepsAs: SCRIPT_ONLY,
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
  /** The search, the order and the groups. When the user changes them, a `ja-view` event follows. */
  declare view: ListView;
  /** The name under which the browser keeps the order and the groups; empty: it does not. */
  declare keepsAs: string;
  declare rows: number;
  /** The text for screen readers: which task has ended. */
  declare announcement: string;
  /** What is listed, as of the last drawing. */
  readonly content = new ListContent();
  #store: TaskListStore | null = null;
  #delayed: DelayedActions | null = null;
  #unsubscribers: (() => void)[] = [];
  #workers: WorkerUsage | null = null;
  /** Ends following which tasks have metrics; null: nothing here depends on that. */
  #endFacts: (() => void) | null = null;
  readonly #pending = new PendingActions(() => this.requestUpdate());
  readonly #controls = new ListControls(this, () => this.#store, this.#pending);
  #seconds = 0;

  constructor() {
    super();
    this.server = pageServer();
    this.host = this.ids = this.current = null;
    this.snapshots = [];
    this.view = PLAIN_VIEW;
    this.announcement = this.keepsAs = "";
    this.rows = ROWS_PER_PAGE;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    adoptStyles(this, css);
    this.#controls.connect();
    this.#attach();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#controls.disconnect();
    this.#detach();
  }

  /** The newest known snapshots, without those that the user has just deleted. */
  get tasks(): readonly Snapshot[] {
    const known = this.#store?.isLoaded ? this.#store.tasks : this.snapshots;
    const listed = this.ids ? inOrderOf(known, this.ids) : known;
    return this.#delayed ? listed.filter(({ id }) => !this.#delayed!.isGone(id)) : listed;
  }

  get status(): Status {
    return this.#store?.status ?? "offline";
  }

  get isReadOnly(): boolean {
    return !(this.#store?.connection.rights.has("write") ?? true);
  }

  get now(): number {
    return this.#store?.connection.now() ?? Date.now() / 1000;
  }

  /** Show another search, order or grouping, as the user wants it. */
  show(view: Partial<ListView>): void {
    [this.view, this.rows] = [{ ...this.view, ...view }, ROWS_PER_PAGE];
    this.dispatchEvent(new CustomEvent<ListView>("ja-view", { bubbles: true, detail: this.view }));
    if (this.keepsAs) keepView(this.keepsAs, this.view);
  }

  protected override willUpdate(changed: PropertyValues): void {
    this.#controls.beforeDrawing();
    if (changed.has("keepsAs") && this.keepsAs) this.view = keptView(this.keepsAs);
    if (this.isConnected && (changed.has("server") || changed.has("ids")) && this.hasUpdated) this.#attach();
    if (this.view.group && this.#store) this.#endFacts ??= MetricFacts.of(this.#store).follow();
  }

  #attach(): void {
    this.#detach();
    if (!this.server || this.ids?.length === 0) return;
    const connection = sharedConnection(this.server);
    const redraw = () => this.requestUpdate();
    this.#store = TaskListStore.of(connection, this.server, this.ids);
    this.#delayed = DelayedActions.of(connection);
    this.#workers = WorkerUsage.of(connection, this.server);
    this.#unsubscribers = [
      this.#store.subscribe(redraw),
      this.#workers.subscribe(redraw),
      this.#store.subscribeToChanges(this.#onChange),
      this.#delayed.subscribe(redraw),
      watchFilters(redraw),
    ];
  }

  #detach(): void {
    for (const stop of [...this.#unsubscribers, this.#endFacts]) stop?.();
    [this.#unsubscribers, this.#endFacts] = [[], null];
    this.#store = this.#delayed = this.#workers = null;
  }

  readonly #onChange = (before: Snapshot | null, after: Snapshot): void => {
    this.#pending.clearRefusal(after.id);
    this.#workers?.taskChanged(before, after);
    if (END_STATES.has(after.state) && before?.state !== after.state)
      this.announcement = `${nameOf(after)} ${after.state}`;
  };

  protected override tick(): void {
    this.#seconds += 1;
    const isWaiting = Boolean(this.#delayed?.state.waiting);
    const isActive = this.tasks.some((task) => !END_STATES.has(task.state));
    if (isWaiting || isActive || this.#seconds % IDLE_REDRAW_INTERVAL === 0) this.requestUpdate();
  }

  protected override render(): TemplateResult {
    const all = this.#workers?.explained(this.tasks) ?? this.tasks;
    const { content, view } = this;
    content.update(all, view, this.now, this.rows);
    this.#controls.update();
    const narrowed = view.query !== "";
    return html`${needsToolbar(all, this.ids !== null, narrowed) ? this.#tools(all) : nothing}
      ${this.#store ? connectionNotice(this.status, this.#error(), this.#store.connection.trouble) : nothing}
      ${content.shown.length > 0 ? this.#rows() : this.#empty(narrowed)}
      ${this.#more()}
      ${this.#controls.bars(this.#delayed)}
      <div class="jal-said" role="status" aria-live="polite">${this.announcement}</div>`;
  }

  #tools(all: readonly Snapshot[]): TemplateResult {
    const { view, now, content } = this;
    const more = this.#store?.more ?? false;
    return toolbar({
      view,
      all,
      now,
      more,
      saved: savedFilters(),
      shown: content.shown,
      workers: this.ids === null ? (this.#workers?.line ?? nothing) : nothing,
      ...this.#controls.tools,
    });
  }

  #rows(): TemplateResult {
    const { content, view, now } = this;
    const template = (task: Snapshot) => this.#row(task, now);
    if (!content.groups) return rowList(content.drawn, template);
    return groupList({
      groups: content.groups,
      grouping: view.group,
      drawn: new Set(content.order),
      selection: this.#controls.selection,
      canCommand: this.#store !== null,
      row: template,
      isOpen: (title) => content.isOpen(title),
      toggle: (title) => this.#controls.toggleGroup(title),
      compare: (ids) => this.#controls.compare(ids),
    });
  }

  #row(task: Snapshot, now: number): TemplateResult {
    return row({
      task,
      now,
      rate: this.#store?.rate(task) ?? null,
      href: this.server && taskAddress(this.server, task.id),
      busy: this.#pending.busy(task.id),
      refused: this.#pending.refusal(task.id),
      current: this.current === task.id,
      selected: this.#controls.selection.has(task.id),
      isTabStop: this.#controls.tabStop === task.id,
      canCommand: this.#store !== null,
      readOnly: this.isReadOnly,
      canOpenNotebook: Boolean(this.host?.openNotebook),
    });
  }

  #empty(narrowed: boolean): TemplateResult {
    const waiting = this.#store !== null && !this.#store.isLoaded;
    return emptyNotice(waiting, narrowed && this.tasks.length > 0, this.ids, () => this.show({ query: "" }));
  }

  #more(): TemplateResult | typeof nothing {
    const { isCut } = this.content;
    if (!isCut && !this.#store?.more) return nothing;
    const searched = this.view.query && !isCut;
    return html`<p class="jal-more">${searched ? html`<span>Searched the newest ${this.tasks.length}.</span>` : nothing}
      <button class="jal-button" type="button" ?disabled=${this.#pending.busy(WHOLE_LIST) !== ""} @click=${() => this.#loadMore()}>Load more</button>
      ${this.#pending.refusal(WHOLE_LIST) || nothing}</p>`;
  }

  #error(): string | TemplateResult | null {
    const list = this.#store;
    return list && (endNotice(list.server, list.connection) ?? list.refusal);
  }

  /** Draw more rows, and load what they need beyond the known ones. */
  #loadMore(): void {
    this.rows += ROWS_PER_PAGE;
    if (this.content.shown.length >= this.rows || !this.#store?.more) return;
    const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
    void this.#pending.run(WHOLE_LIST, "more", () => this.#store!.loadMore().then(() => null, messageOf));
  }

  protected override updated(): void {
    this.#controls.afterDrawing();
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
