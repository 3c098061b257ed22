/** `<jupyter-agent-tasks>`: the tasks of a server, or some of them, as a list that lives. */

import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { adopt } from "../dom/styles.js";
import type { Host } from "../element/index.js";
import { ENDED } from "../model/reducer.js";
import { TaskList } from "../model/task_list_store.js";
import { pageServer, type Server } from "../net/server.js";
import { sharedConnection } from "../net/connection_pool.js";
import type { Snapshot, Status } from "../net/types.js";
import { type Filter, inState, search } from "./filter.js";
import { focusedSpot, keepFocus, rowOf, type Spot } from "./focus.js";
import { Frames } from "../dom/frame_scheduler.js";
import { type Act, row } from "./row.js";
import css from "./tasks.css";
import { link, nothingHere, toolbar, wantsTools } from "./toolbar.js";
import { nameOf } from "./labels.js";

/** Rows that are drawn; more on demand. */
const ROWS = 100;
/** Seconds between two looks at the clock while nothing runs. */
const CALM = 10;

export class TasksElement extends LitElement {
  static override properties = {
    server: { attribute: false },
    host: { attribute: false },
    ids: { attribute: false, hasChanged: areOthers },
    snapshots: { attribute: false },
    current: { attribute: false },
    query: { state: true },
    filter: { state: true },
    rows: { state: true },
    confirming: { state: true },
    said: { state: true },
  };
  /** Where the tasks are; null: nowhere that this page can reach. */
  declare server: Server | null;
  declare host: Host | null;
  /** Only these tasks, in this order; null: all. */
  declare ids: readonly string[] | null;
  /** What is drawn until the server speaks. */
  declare snapshots: readonly Snapshot[];
  /** The task that is shown beside the list; null: none. */
  declare current: string | null;
  declare query: string;
  declare filter: Filter;
  declare rows: number;
  /** The task that is to be deleted if that is meant; empty: none. */
  declare confirming: string;
  /** What is read aloud: which tasks have ended. */
  declare said: string;
  #list: TaskList | null = null;
  #stops: (() => void)[] = [];
  readonly #busy = new Map<string, string>();
  readonly #refused = new Map<string, string>();
  #spot: Spot | null = null;
  #clock = 0;
  #seconds = 0;
  readonly #frames = new Frames();
  readonly #sight = new IntersectionObserver((entries) =>
    this.#frames.see(entries.at(-1)?.isIntersecting ?? true),
  );

  constructor() {
    super();
    this.server = pageServer();
    this.host = this.ids = this.current = null;
    this.snapshots = [];
    this.query = this.confirming = this.said = "";
    this.filter = "all";
    this.rows = ROWS;
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    adopt(this, css);
    this.addEventListener("click", this.#clicked);
    this.addEventListener("keydown", this.#pressed);
    this.#clock = window.setInterval(() => this.#tick(), 1000);
    this.#sight.observe(this);
    this.#attach();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.removeEventListener("click", this.#clicked);
    this.removeEventListener("keydown", this.#pressed);
    clearInterval(this.#clock);
    this.#sight.disconnect();
    this.#detach();
  }

  /** The tasks as they are known now. */
  get tasks(): readonly Snapshot[] {
    const told = this.#list?.known ? this.#list.tasks : this.snapshots;
    return this.ids ? inOrder(told, this.ids) : told;
  }

  get status(): Status {
    return this.#list?.status ?? "offline";
  }

  /** Draw at most once for each frame. */
  protected override async scheduleUpdate(): Promise<void> {
    await this.#frames.next();
    super.scheduleUpdate();
  }

  protected override willUpdate(changed: PropertyValues): void {
    this.#spot = focusedSpot(this);
    if (this.isConnected && (changed.has("server") || changed.has("ids")) && this.hasUpdated) this.#attach();
  }

  #attach(): void {
    this.#detach();
    if (!this.server || this.ids?.length === 0) return;
    this.#list = TaskList.of(sharedConnection(this.server), this.server, this.ids);
    this.#stops = [this.#list.watch(() => this.requestUpdate()), this.#list.watchChanges(this.#changed)];
  }

  #detach(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
    this.#list = null;
  }

  readonly #changed = (before: Snapshot | null, after: Snapshot): void => {
    this.#refused.delete(after.id);
    if (ENDED.has(after.state) && before?.state !== after.state)
      this.said = `${nameOf(after)} ${after.state}`;
  };

  /** A second has passed. */
  #tick(): void {
    this.#seconds += 1;
    const moves = this.tasks.some((task) => !ENDED.has(task.state));
    if (moves || this.#seconds % CALM === 0) this.requestUpdate();
  }

  get #now(): number {
    return this.#list?.connection.now() ?? Date.now() / 1000;
  }

  protected override render(): TemplateResult {
    const all = this.tasks;
    const found = search(all, this.query);
    const chosen = inState(found, this.filter);
    const narrowed = this.query !== "" || this.filter !== "all";
    return html`${wantsTools(all, this.ids !== null, narrowed) ? this.#tools(found) : nothing}
      ${this.server ? link(this.status, this.#trouble()) : nothing}
      ${chosen.length > 0 ? this.#rows(chosen) : this.#empty(narrowed)}
      ${this.#more(chosen)}
      <div class="jal-said" role="status" aria-live="polite">${this.said}</div>`;
  }

  #tools(found: readonly Snapshot[]): TemplateResult {
    const { query, filter } = this;
    return toolbar({
      query,
      filter,
      found,
      more: this.#list?.more ?? false,
      search: (query) => ([this.query, this.rows] = [query, ROWS]),
      choose: (filter) => ([this.filter, this.rows] = [filter, ROWS]),
    });
  }

  #rows(tasks: readonly Snapshot[]): TemplateResult {
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
      rate: this.#list?.rate(task) ?? null,
      href: this.#address(task),
      busy: this.#busy.get(task.id) ?? "",
      refused: this.#refused.get(task.id) ?? "",
      confirming: this.confirming === task.id,
      current: this.current === task.id,
      acts: this.#list !== null,
      opens: Boolean(this.host?.open),
    });
  }

  #empty(narrowed: boolean): TemplateResult {
    const waiting = this.#list !== null && !this.#list.known;
    return nothingHere(
      waiting,
      narrowed && this.tasks.length > 0,
      this.ids !== null,
      () => ([this.query, this.filter] = ["", "all"]),
    );
  }

  #more(chosen: readonly Snapshot[]): TemplateResult | typeof nothing {
    const [hidden, older] = [chosen.length > this.rows, this.#list?.more ?? false];
    if (!hidden && !older) return nothing;
    const newest = this.query ? html`<span>Searched the newest ${this.tasks.length}.</span>` : nothing;
    return html`<p class="jal-more">${hidden ? nothing : newest}
      <button class="jal-button" type="button" ?disabled=${this.#busy.has("")} @click=${() => this.#loadMore(chosen.length)}>Load more</button>
      ${this.#refused.get("") ?? nothing}</p>`;
  }

  #trouble(): string | null {
    const list = this.#list;
    if (list?.connection.stopped)
      return `The server closed the connection: ${list.connection.stopped}. Reload the page to try again.`;
    return list?.refusal ?? null;
  }

  #address(task: Snapshot): string | null {
    return (
      this.server && new URL(`jupyter-agent/?task=${encodeURIComponent(task.id)}`, this.server.base).href
    );
  }

  readonly #clicked = (event: MouseEvent): void => {
    const pressed = (event.target as Element).closest<HTMLElement>("[data-act]");
    const id = pressed?.closest<HTMLElement>("[data-task-id]")?.dataset.taskId;
    const task = this.tasks.find((one) => one.id === id);
    if (!pressed || !task) return;
    const act = pressed.dataset.act as Act;
    if (act === "open" && (event.ctrlKey || event.metaKey || event.shiftKey)) return; // another tab or window
    event.preventDefault();
    void this.#act(act, task);
  };

  readonly #pressed = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !this.confirming) return;
    event.stopPropagation();
    void this.#confirm("", this.confirming, "delete");
  };

  #fire(name: string, task: Snapshot): void {
    this.dispatchEvent(new CustomEvent<Snapshot>(name, { bubbles: true, detail: task }));
  }

  #act(act: Act, task: Snapshot): Promise<void> | void {
    switch (act) {
      case "open":
        return this.#fire("ja-open", task);
      case "notebook":
        return this.host?.open?.(task);
      case "delete":
        return this.#confirm(task.id, task.id, "keep");
      case "keep":
        return this.#confirm("", task.id, "delete");
      case "remove":
        return this.#remove(task);
      case "cancel":
      case "retry":
        return this.#ask(task, act, () => this.#command(task, act));
      default:
        return this.#answer(task, act);
    }
  }

  /** Ask whether `id` is to be deleted (empty: ask no more), and put the focus where the person is. */
  async #confirm(id: string, row: string, focus: Act): Promise<void> {
    const before = document.activeElement;
    this.confirming = id;
    await this.updateComplete;
    if (before?.isConnected && before !== document.activeElement) return; // the person has gone on meanwhile
    rowOf(this, row)?.querySelector<HTMLElement>(`[data-act="${focus}"]`)?.focus();
  }

  async #remove(task: Snapshot): Promise<void> {
    const next = rowOf(this, task.id)?.nextElementSibling ?? rowOf(this, task.id)?.previousElementSibling;
    this.confirming = "";
    await this.#ask(task, "remove", () => this.#list?.remove(task.id) ?? Promise.resolve(null));
    if (!this.#refused.has(task.id)) this.#fire("ja-removed", task);
    await this.updateComplete;
    const focus = rowOf(this, task.id) ?? next ?? this;
    if (!this.contains(document.activeElement))
      focus.querySelector<HTMLElement>("[data-act], input")?.focus();
  }

  /** A choice that is still drawn when the task asks something else already is no answer to that. */
  #answer(task: Snapshot, act: Act): Promise<void> | void {
    const [, place, question] = act.split(/ (\d+) /);
    const text = task.prompt?.prompt_id === question ? task.prompt?.choices?.[Number(place)] : undefined;
    if (text !== undefined)
      return this.#ask(task, act, () => this.#command(task, "input", { text, prompt_id: question }));
  }

  async #command({ id, attempt }: Snapshot, command: string, args: object = {}): Promise<string | null> {
    const reply = await this.#list?.connection.command(id, attempt, command, args);
    return reply?.ok ? null : (reply?.message ?? "The server refused.");
  }

  /** Do one thing at a time with a task; what is refused is said in its row. */
  async #ask({ id }: { id: string }, what: string, job: () => Promise<string | null>): Promise<void> {
    if (this.#busy.has(id)) return;
    this.#busy.set(id, what);
    this.#refused.delete(id);
    this.requestUpdate();
    const refused = await job();
    this.#busy.delete(id);
    if (refused !== null) this.#refused.set(id, refused);
    this.requestUpdate();
  }

  /** Draw more rows, and get what they need beyond the `known` ones. */
  #loadMore(known: number): void {
    this.rows += ROWS;
    if (known >= this.rows || !this.#list?.more) return;
    const trouble = (error: unknown) => (error instanceof Error ? error.message : String(error));
    void this.#ask({ id: "" }, "more", () => this.#list!.loadMore().then(() => null, trouble));
  }

  protected override updated(): void {
    if (this.#spot) keepFocus(this, this.#spot);
    if (this.dataset.connection !== this.status) this.dataset.connection = this.status;
    this.toggleAttribute("data-named", this.ids !== null);
  }
}

function areOthers(ids: readonly string[] | null, before: readonly string[] | null | undefined): boolean {
  return JSON.stringify(ids) !== JSON.stringify(before);
}

function inOrder(tasks: readonly Snapshot[], ids: readonly string[]): readonly Snapshot[] {
  const known = new Map(tasks.map((task) => [task.id, task]));
  return ids.flatMap((id) => known.get(id) ?? []);
}
