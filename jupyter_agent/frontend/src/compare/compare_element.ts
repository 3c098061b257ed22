/** `<jupyter-agent-compare>`: several tasks beside each other. */

import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { adoptStyles } from "../dom/styles.js";
import { endNotice } from "../dom/end_notice.js";
import { SCRIPT_ONLY, STATE } from "../dom/light_element.js";
import { PacedElement } from "../dom/paced_element.js";
import { runStyle } from "../dom/series_colors.js";
import { loadPlot } from "../element/lazy_modules.js";
import { toSingleLine } from "../model/format.js";
import { sharedConnection } from "../net/connection_pool.js";
import { pageServer, type Server, taskAddress } from "../net/server.js";
import { columnsOf, nextOrder, type Order } from "./columns.js";
import { MAX_COMPARED } from "../model/sweeps.js";
import { CompareStore, type Run } from "./compare_store.js";
import { headingOf, runLabels } from "./labels.js";
import { runTable } from "./table.js";
import css from "./compare.css";

export class CompareElement extends PacedElement {
  static override properties = {
    server: SCRIPT_ONLY,
    argument: SCRIPT_ONLY,
    hiddenRuns: STATE,
    order: STATE,
  };
  declare server: Server | null;
  /** The ids of the tasks to compare, in this order, with commas between them. */
  declare argument: string;
  /** The places of the runs that are not drawn. */
  declare hiddenRuns: ReadonlySet<number>;
  declare order: Order;
  #store: CompareStore | null = null;

  constructor() {
    super();
    this.server = pageServer();
    this.argument = "";
    this.hiddenRuns = new Set();
    this.order = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    adoptStyles(this, css);
    this.#attach();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#detach();
  }

  /** Show how long the running tasks have taken now. */
  protected override tick(): void {
    if (this.#store?.hasActiveTasks()) this.requestUpdate();
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (!this.isConnected || !this.hasUpdated || !(changed.has("server") || changed.has("argument"))) return;
    this.hiddenRuns = new Set();
    this.#attach();
  }

  get #ids(): string[] {
    return [...new Set(this.argument.split(",").filter(Boolean))];
  }

  #attach(): void {
    this.#detach();
    if (!this.server || this.#ids.length === 0) return;
    void loadPlot(this.server).catch(() => null); // before the curves are asked for; the plots try it again
    const connection = sharedConnection(this.server);
    this.#store = new CompareStore(connection, this.server, this.#ids, () => this.requestUpdate());
  }

  #detach(): void {
    this.#store?.close();
    this.#store = null;
  }

  protected override render(): TemplateResult {
    const runs = this.#store?.runs ?? [];
    const labels = new Map(
      runLabels(runs.map(({ task }) => task)).map((label, at) => [runs[at]!.index, label]),
    );
    return html`<div class="jac-head"><h2 class="jac-title">${runs.length > 0 ? headingOf(runs.map(({ task }) => task)) : "Compare runs"}</h2>
        ${this.#status()}</div>
      ${this.#note(runs)}
      ${runs.length > 0 ? this.#comparison(runs, labels) : nothing}`;
  }

  #comparison(runs: Run[], labels: ReadonlyMap<number, string>): TemplateResult {
    const shown = runs.filter(({ index }) => !this.hiddenRuns.has(index));
    return html`${this.#legend(runs, labels)}
      <jupyter-agent-compare-plots .runs=${shown} .labels=${labels} .server=${this.server} .version=${this.#store!.version}></jupyter-agent-compare-plots>
      ${runTable({
        runs,
        columns: columnsOf(runs, this.#store!.connection.now()),
        order: this.order,
        hidden: this.hiddenRuns,
        labelOf: ({ index }) => labels.get(index)!,
        hrefOf: ({ task }) => this.server && taskAddress(this.server, task.id),
        sortBy: (key) => (this.order = nextOrder(this.order, key)),
        open: this.#open,
      })}`;
  }

  #legend(runs: Run[], labels: ReadonlyMap<number, string>): TemplateResult {
    return html`<div class="jac-legend" role="group" aria-label="Runs that are drawn">
      ${runs.map(({ index }) => this.#legendButton(index, labels.get(index)!))}
      <button class="jac-all" type="button" ?hidden=${this.hiddenRuns.size === 0} @click=${() => (this.hiddenRuns = new Set())}>Show all</button>
    </div>`;
  }

  #legendButton(index: number, label: string): TemplateResult {
    const [{ color, dash }, isHidden] = [runStyle(index), this.hiddenRuns.has(index)];
    return html`<button class="jac-key" type="button" aria-pressed=${!isHidden} title=${`${isHidden ? "Show" : "Hide"} ${label}`} @click=${() => this.#toggle(index)}>
      <span class="jac-swatch" ?data-dashed=${dash > 0} .style=${`color:${color}`}></span><span class="jac-label">${label}</span></button>`;
  }

  #toggle(index: number): void {
    const hidden = new Set(this.hiddenRuns);
    if (!hidden.delete(index)) hidden.add(index);
    this.hiddenRuns = hidden;
  }

  /** What is not shown, and why. */
  #note(runs: readonly Run[]): TemplateResult | typeof nothing {
    const asked = this.#ids.length;
    const gone = this.#store?.isLoaded ? Math.min(asked, MAX_COMPARED) - runs.length : 0;
    const sentences = [
      asked === 0 ? "No tasks were chosen: select some in the list and press Compare." : "",
      asked > MAX_COMPARED
        ? `At most ${MAX_COMPARED} runs are compared: these are the first ${MAX_COMPARED} of ${asked}.`
        : "",
      gone > 0
        ? `${gone === 1 ? "One of the tasks is" : `${gone} of the tasks are`} not there any more.`
        : "",
      runs.length > 0 && this.hiddenRuns.size >= runs.length ? "All runs are hidden." : "",
    ].filter(Boolean);
    return sentences.length > 0
      ? html`<p class="jac-note" role="status">${sentences.join(" ")}</p>`
      : nothing;
  }

  #status(): TemplateResult | typeof nothing {
    const store = this.#store;
    if (!store) return nothing;
    const status =
      store.isLoaded && store.status === "live"
        ? ""
        : { live: "Loading…", connecting: "Connecting…", offline: "Offline" }[store.status];
    const text =
      endNotice(store.server, store.connection) ?? (store.refusal ? toSingleLine(store.refusal) : status);
    return text ? html`<span class="jac-status" role="status">${text}</span>` : nothing;
  }

  /** Open a task as lists do: what is around this element decides where. */
  readonly #open = ({ task }: Run, event: MouseEvent): void => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // another tab or window
    event.preventDefault();
    this.dispatchEvent(new CustomEvent("ja-open", { bubbles: true, detail: task }));
  };
}
