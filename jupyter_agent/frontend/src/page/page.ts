/** `<jupyter-agent-page>`: the list, and beside it one task; on a narrow screen one of them. */

import { html, LitElement, nothing, type TemplateResult } from "lit";
import { keyed } from "lit/directives/keyed.js";
import type { TasksElement } from "../list/index.js";
import { Feed } from "../model/task_store.js";
import { TaskList } from "../model/task_list_store.js";
import type { Connection } from "../net/connection.js";
import { pageServer, type Server } from "../net/server.js";
import { sharedConnection } from "../net/connection_pool.js";
import type { Snapshot, Status } from "../net/types.js";
import { addressOf, goTo, taskInAddress } from "./location.js";
import { titleOf, titleOfAll } from "./document_title.js";

const WORDS: Record<Status, string> = { live: "Live", connecting: "Connecting…", offline: "Offline" };

export class PageElement extends LitElement {
  static override properties = { task: { state: true } };
  /** The task that is open; null: none. */
  declare task: string | null;
  readonly server: Server = pageServer()!;
  readonly #connection: Connection = sharedConnection(this.server);
  readonly #list = TaskList.of(this.#connection, this.server);
  #feed: Feed | null = null;
  #stops: (() => void)[] = [];
  #leave = () => {};
  #opened: Snapshot | null = null;
  #scrolled = 0;

  constructor() {
    super();
    this.task = taskInAddress();
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("popstate", this.#went);
    this.#stops = [
      this.#list.watch(() => this.#plan()),
      () => window.removeEventListener("popstate", this.#went),
    ];
    this.#follow();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#leave();
    for (const stop of this.#stops) stop();
  }

  /** What is in the title and the head changes seldom; the parts draw themselves. */
  #plan(): void {
    const title = this.#title();
    if (document.title !== title) document.title = title;
    if (this.dataset.connection !== this.#list.status || this.#missing !== this.hasAttribute("data-missing"))
      this.requestUpdate();
  }

  #title(): string {
    if (this.task === null) return titleOfAll(this.#list.tasks);
    if (this.#missing) return "No such task · Tasks";
    return this.#feed?.task ? `${titleOf(this.#feed.task)} · Tasks` : "Tasks";
  }

  get #missing(): boolean {
    return this.#feed !== null && this.#feed.unknown && this.#feed.task === null;
  }

  #follow(): void {
    this.#leave();
    this.#feed = this.task === null ? null : Feed.of(this.#connection, this.server, this.task);
    this.#leave = this.#feed?.watch(() => this.#plan()) ?? (() => {});
    this.#plan();
  }

  readonly #went = (): void => {
    void this.#show(taskInAddress());
  };

  /** Open a task, or go back to the list. */
  #go(task: string | null): void {
    goTo(task);
    void this.#show(task);
  }

  async #show(task: string | null): Promise<void> {
    const before = this.task;
    if (task === before) return;
    if (before === null) this.#scrolled = this.#pane("list")?.scrollTop ?? 0;
    this.task = task;
    this.#follow();
    await this.updateComplete;
    this.#keepPlace(before);
  }

  /** Where one pane hides the other, the focus goes along, and the list is found as it was left. */
  #keepPlace(before: string | null): void {
    const list = this.#pane("list");
    if (this.task !== null) {
      if (list && list.clientHeight === 0) this.#pane("task")?.focus();
      return;
    }
    if (list) list.scrollTop = this.#scrolled;
    const row = [...this.querySelectorAll<HTMLElement>("li[data-task-id]")].find(
      (one) => one.dataset.taskId === before,
    );
    if (!list?.contains(document.activeElement)) row?.querySelector("a")?.focus({ preventScroll: true });
  }

  #pane(name: "list" | "task"): HTMLElement | null {
    return this.querySelector(`.jap-${name}`);
  }

  protected override render(): TemplateResult {
    const { status } = this.#list;
    return html`<header class="jap-head">
        <h1 class="jap-title"><a href=${addressOf(null)} @click=${this.#back}>Tasks</a></h1>
        <span class="jap-connection" role="status" data-status=${status}>${WORDS[status]}</span>
        <a class="jap-jupyter" href=${this.server.base}>Open Jupyter</a>
      </header>
      <main class="jap-panes" ?data-open=${this.task !== null}>
        <section class="jap-list" aria-label="All tasks">
          <jupyter-agent-tasks .server=${this.server} .current=${this.task} @ja-open=${this.#open} @ja-removed=${this.#removed}></jupyter-agent-tasks>
        </section>
        ${this.task === null ? nothing : this.#one(this.task)}
      </main>`;
  }

  #one(task: string): TemplateResult {
    const known = this.#opened?.id === task ? this.#opened : null;
    const view = keyed(
      task,
      html`<jupyter-agent-task task-id=${task} .server=${this.server} .snapshot=${known}></jupyter-agent-task>`,
    );
    return html`<section class="jap-task" aria-label="One task" tabindex="-1">
      <a class="jap-back" href=${addressOf(null)} @click=${this.#back}>All tasks</a>
      ${this.#missing ? html`<p class="jap-missing">This server knows no such task. It may have been deleted.</p>` : view}
    </section>`;
  }

  protected override updated(): void {
    this.dataset.connection = this.#list.status;
    this.toggleAttribute("data-missing", this.#missing);
  }

  readonly #open = (event: CustomEvent<Snapshot>): void => {
    this.#opened = event.detail;
    this.#go(event.detail.id);
  };

  readonly #removed = (event: CustomEvent<Snapshot>): void => {
    if (event.detail.id === this.task) this.#go(null);
  };

  readonly #back = (event: MouseEvent): void => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#go(null);
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "jupyter-agent-tasks": TasksElement;
  }
}
