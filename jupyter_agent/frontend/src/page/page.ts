/** `<jupyter-agent-page>`: a view, such as the task list, and one task beside it; on a narrow screen only one of them. */

import { html, nothing, type TemplateResult } from "lit";
import { keyed } from "lit/directives/keyed.js";
import { LightElement, STATE } from "../dom/light_element.js";
import { TaskStore } from "../model/task_store.js";
import { TaskListStore } from "../model/task_list_store.js";
import type { Connection } from "../net/connection.js";
import { fetchRights, type Rights } from "../net/rights.js";
import { pageServer, type Server } from "../net/server.js";
import { sharedConnection } from "../net/connection_pool.js";
import type { Snapshot } from "../net/types.js";
import { type ListView, PLAIN_VIEW } from "../list/filters/arrange.js";
import { viewInAddress } from "../list/filters/saved_filters.js";
import { openRunForm } from "../screens/run_form.js";
import type { RunOptions } from "../screens/run_options.js";
import { TASKS, viewNamed } from "../screens/views.js";
import { header, inPage, labelOf } from "./header.js";
import { addressOf, type Place, placeInAddress, pushPlace, replaceView } from "./location.js";
import { titleOf, titleOfAll, titleOfView } from "./document_title.js";
import { PaneFocus } from "./pane_focus.js";

export class PageElement extends LightElement {
  static override properties = { place: STATE, rights: STATE, trouble: STATE };
  declare place: Place;
  /** Why the form could not be shown; empty while it could. */
  declare trouble: string;
  /** What the user may do; null until the server has said. */
  declare rights: Rights | null;
  readonly server: Server = pageServer()!;
  readonly #connection: Connection = sharedConnection(this.server);
  readonly #list = TaskListStore.of(this.#connection, this.server);
  readonly #focus = new PaneFocus(this);
  #store: TaskStore | null = null;
  #unsubscribers: (() => void)[] = [];
  #unsubscribe = () => {};
  #openedSnapshot: Snapshot | null = null;
  /** What the list of tasks shows. */
  #listView = viewInAddress(location.search);

  constructor() {
    super();
    this.place = placeInAddress();
    this.rights = null;
    this.trouble = "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("popstate", this.#onPopState);
    this.#unsubscribers = [
      this.#list.subscribe(() => this.#refresh()),
      () => window.removeEventListener("popstate", this.#onPopState),
    ];
    this.#subscribe();
    void fetchRights(this.server).then((rights) => (this.rights = rights));
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#unsubscribe();
    for (const stop of this.#unsubscribers) stop();
  }

  /** Update the title and, if the header has changed, the page. The view and the task draw themselves. */
  #refresh(): void {
    const title = this.#title();
    if (document.title !== title) document.title = title;
    if (this.dataset.connection !== this.#list.status || this.#missing !== this.hasAttribute("data-missing"))
      this.requestUpdate();
  }

  #title(): string {
    const { view, task } = this.place;
    if (task === null) return view === TASKS ? titleOfAll(this.#list.tasks) : titleOfView(labelOf(view));
    if (this.#missing) return titleOfView("No such task");
    return this.#store?.task ? titleOfView(titleOf(this.#store.task)) : "Tasks";
  }

  get #missing(): boolean {
    return this.#store !== null && this.#store.isUnknown && this.#store.task === null;
  }

  #subscribe(): void {
    this.#unsubscribe();
    const { task } = this.place;
    this.#store = task === null ? null : TaskStore.of(this.#connection, this.server, task);
    this.#unsubscribe = this.#store?.subscribe(() => this.#refresh()) ?? (() => {});
    this.#refresh();
  }

  readonly #onPopState = (): void => {
    this.#listView = viewInAddress(location.search);
    this.requestUpdate();
    void this.#show(placeInAddress());
  };

  /** Go to a place that differs from this one as given. */
  #navigate(change: Partial<Place>): void {
    const place = { ...this.place, ...change };
    if (place.view !== this.place.view) this.#listView = PLAIN_VIEW;
    pushPlace(place);
    void this.#show(place);
  }

  readonly #showView = (view: string): void => this.#navigate({ view, argument: "", task: null });

  readonly #close = (): void => this.#navigate({ task: null });

  async #show(place: Place): Promise<void> {
    const before = this.place;
    if (addressOf(place) === addressOf(before)) return;
    if (before.task === null) this.#focus.remember();
    this.place = place;
    if (place.task !== before.task) this.#subscribe();
    this.#refresh();
    await this.updateComplete;
    if (place.task !== null) this.#focus.toTask(place.task);
    else if (before.task !== null && place.view === before.view) this.#focus.toView(before.task);
  }

  protected override render(): TemplateResult {
    const { status } = this.#list;
    const { server, rights, place } = this;
    const run = () => void this.#run({ scheduled: place.view === "schedules" });
    return html`${header({ server, status, view: place.view, rights, show: this.#showView, run })}
      ${this.trouble ? html`<p class="jap-missing" role="alert">${this.trouble}</p>` : nothing}
      <main class="jap-panes" data-view=${place.view} ?data-open=${place.task !== null}
        @ja-open=${this.#onOpen} @ja-removed=${this.#onRemoved} @ja-compare=${this.#onCompare} @ja-run=${this.#onRun}>
        <section class="jap-list" aria-label=${viewTitle(place.view)} tabindex="-1">${this.#view()}</section>
        ${place.task === null ? nothing : this.#taskPane(place.task)}
      </main>`;
  }

  #view(): TemplateResult {
    const { server, place } = this;
    const [view, current] = [viewNamed(place.view), place.task];
    if (view === null)
      return html`<jupyter-agent-tasks .server=${server} .current=${current} .view=${this.#listView} @ja-view=${this.#onListView}></jupyter-agent-tasks>`;
    const values = { argument: place.argument, current };
    return html`<jupyter-agent-screen .server=${server} .view=${view} .values=${values}></jupyter-agent-screen>`;
  }

  #taskPane(task: string): TemplateResult {
    const known = this.#openedSnapshot?.id === task ? this.#openedSnapshot : null;
    const view = keyed(
      task,
      html`<jupyter-agent-task task-id=${task} .server=${this.server} .snapshot=${known}></jupyter-agent-task>`,
    );
    const back = addressOf({ ...this.place, task: null });
    return html`<section class="jap-task" aria-label="One task" tabindex="-1" @keydown=${this.#onKey}>
      <a class="jap-back" href=${back} @click=${inPage(this.#close)}>${viewTitle(this.place.view)}</a>
      <button class="jap-close" type="button" aria-label="Close the task" title="Close (Esc)" @click=${this.#close}>×</button>
      ${this.#missing ? html`<p class="jap-missing">This server knows no such task. It may have been deleted.</p>` : view}
    </section>`;
  }

  protected override updated(): void {
    this.dataset.connection = this.#list.status;
    this.toggleAttribute("data-missing", this.#missing);
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
    if (!isWrittenIn(event.target as Element)) this.#close();
  };

  readonly #onOpen = ({ detail }: CustomEvent<Snapshot | string>): void => {
    this.#openedSnapshot = typeof detail === "string" ? null : detail;
    this.#navigate({ task: typeof detail === "string" ? detail : detail.id });
  };

  readonly #onRemoved = (event: CustomEvent<Snapshot>): void => {
    if (event.detail.id === this.place.task) this.#close();
  };

  readonly #onCompare = ({ detail }: CustomEvent<string[]>): void => {
    this.#navigate({ view: "compare", argument: detail.join(","), task: null });
  };

  readonly #onListView = ({ detail }: CustomEvent<ListView>): void => {
    this.#listView = detail;
    replaceView(detail);
  };

  readonly #onRun = ({ detail }: CustomEvent<RunOptions>): void => void this.#run(detail);

  /** Show the form; then what it made. */
  async #run(options: RunOptions): Promise<void> {
    this.trouble = "";
    const outcome = await openRunForm(this.server, options).catch((error: unknown) => {
      this.trouble = `The form could not be shown: ${error instanceof Error ? error.message : String(error)}`;
      return null;
    });
    if (!outcome) return;
    if ("task" in outcome) {
      this.#openedSnapshot = outcome.task;
      this.#navigate({ view: TASKS, argument: "", task: outcome.task.id });
    } else this.#navigate({ view: "schedules", argument: "", task: null });
  }
}

/** Whether an element is a field with a text, which would be lost. */
function isWrittenIn(field: Element): boolean {
  return field.matches("input[type=text], input[type=search]") && (field as HTMLInputElement).value !== "";
}

function viewTitle(view: string): string {
  return view === TASKS ? "All tasks" : labelOf(view);
}
