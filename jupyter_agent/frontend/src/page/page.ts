/** `<jupyter-agent-page>`: the task list and one task beside it; on a narrow screen only one of them. */

import { html, nothing, type TemplateResult } from "lit";
import { keyed } from "lit/directives/keyed.js";
import { LightElement, STATE } from "../dom/light_element.js";
import { TaskStore } from "../model/task_store.js";
import { TaskListStore } from "../model/task_list_store.js";
import type { Connection } from "../net/connection.js";
import { pageServer, type Server } from "../net/server.js";
import { sharedConnection } from "../net/connection_pool.js";
import type { Snapshot, Status } from "../net/types.js";
import { addressOf, pushTask, taskInAddress } from "./location.js";
import { titleOf, titleOfAll } from "./document_title.js";

const STATUS_LABELS: Record<Status, string> = { live: "Live", connecting: "Connecting…", offline: "Offline" };

export class PageElement extends LightElement {
  static override properties = { task: STATE };
  /** The task that is open; null: none. */
  declare task: string | null;
  readonly server: Server = pageServer()!;
  readonly #connection: Connection = sharedConnection(this.server);
  readonly #list = TaskListStore.of(this.#connection, this.server);
  #store: TaskStore | null = null;
  #unsubscribers: (() => void)[] = [];
  #unsubscribe = () => {};
  #openedSnapshot: Snapshot | null = null;
  #scrolled = 0;

  constructor() {
    super();
    this.task = taskInAddress();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("popstate", this.#onPopState);
    this.#unsubscribers = [
      this.#list.subscribe(() => this.#refresh()),
      () => window.removeEventListener("popstate", this.#onPopState),
    ];
    this.#subscribe();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#unsubscribe();
    for (const stop of this.#unsubscribers) stop();
  }

  /** Update the title and, if the header has changed, the page. The list and the task draw themselves. */
  #refresh(): void {
    const title = this.#title();
    if (document.title !== title) document.title = title;
    if (this.dataset.connection !== this.#list.status || this.#missing !== this.hasAttribute("data-missing"))
      this.requestUpdate();
  }

  #title(): string {
    if (this.task === null) return titleOfAll(this.#list.tasks);
    if (this.#missing) return "No such task · Tasks";
    return this.#store?.task ? `${titleOf(this.#store.task)} · Tasks` : "Tasks";
  }

  get #missing(): boolean {
    return this.#store !== null && this.#store.isUnknown && this.#store.task === null;
  }

  #subscribe(): void {
    this.#unsubscribe();
    this.#store = this.task === null ? null : TaskStore.of(this.#connection, this.server, this.task);
    this.#unsubscribe = this.#store?.subscribe(() => this.#refresh()) ?? (() => {});
    this.#refresh();
  }

  readonly #onPopState = (): void => {
    void this.#show(taskInAddress());
  };

  /** Open a task, or go back to the list. */
  #navigate(task: string | null): void {
    pushTask(task);
    void this.#show(task);
  }

  async #show(task: string | null): Promise<void> {
    const before = this.task;
    if (task === before) return;
    if (before === null) this.#scrolled = this.#pane("list")?.scrollTop ?? 0;
    this.task = task;
    this.#subscribe();
    await this.updateComplete;
    this.#restorePlace(before);
  }

  /** Move the focus to a pane that hides the other one, and restore the list as it was left. */
  #restorePlace(before: string | null): void {
    const list = this.#pane("list");
    if (this.task !== null) {
      if (list?.clientHeight === 0) this.#pane("task")?.focus();
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
        <h1 class="jap-title"><a href=${addressOf(null)} @click=${this.#onBack}>Tasks</a></h1>
        <span class="jap-connection" role="status" data-status=${status}>${STATUS_LABELS[status]}</span>
        <a class="jap-jupyter" href=${this.server.base}>Open Jupyter</a>
      </header>
      <main class="jap-panes" ?data-open=${this.task !== null}>
        <section class="jap-list" aria-label="All tasks">
          <jupyter-agent-tasks .server=${this.server} .current=${this.task} @ja-open=${this.#onOpen} @ja-removed=${this.#onRemoved}></jupyter-agent-tasks>
        </section>
        ${this.task === null ? nothing : this.#taskPane(this.task)}
      </main>`;
  }

  #taskPane(task: string): TemplateResult {
    const known = this.#openedSnapshot?.id === task ? this.#openedSnapshot : null;
    const view = keyed(
      task,
      html`<jupyter-agent-task task-id=${task} .server=${this.server} .snapshot=${known}></jupyter-agent-task>`,
    );
    return html`<section class="jap-task" aria-label="One task" tabindex="-1">
      <a class="jap-back" href=${addressOf(null)} @click=${this.#onBack}>All tasks</a>
      ${this.#missing ? html`<p class="jap-missing">This server knows no such task. It may have been deleted.</p>` : view}
    </section>`;
  }

  protected override updated(): void {
    this.dataset.connection = this.#list.status;
    this.toggleAttribute("data-missing", this.#missing);
  }

  readonly #onOpen = (event: CustomEvent<Snapshot>): void => {
    this.#openedSnapshot = event.detail;
    this.#navigate(event.detail.id);
  };

  readonly #onRemoved = (event: CustomEvent<Snapshot>): void => {
    if (event.detail.id === this.task) this.#navigate(null);
  };

  readonly #onBack = (event: MouseEvent): void => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#navigate(null);
  };
}
