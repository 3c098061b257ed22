/** `<jupyter-agent-sweep>`: offers to compare a task with the others of its sweep. Sends `ja-compare` (ids). */

import { html, nothing, type TemplateResult } from "lit";
import { LightElement, SCRIPT_ONLY } from "../dom/light_element.js";
import { MetricFacts } from "../model/metric_facts.js";
import { isComparable, type Sweep, sweepsOf } from "../model/sweeps.js";
import { TaskListStore } from "../model/task_list_store.js";
import { sharedConnection } from "../net/connection_pool.js";
import type { Server } from "../net/server.js";
import type { Snapshot } from "../net/types.js";

export class SweepOffer extends LightElement {
  static override properties = { server: SCRIPT_ONLY, task: SCRIPT_ONLY };
  declare server: Server | null;
  declare task: Snapshot | null;
  #list: TaskListStore | null = null;
  #unsubscribe = () => {};
  /** The task that the sweeps are of; empty: they have to be looked for. */
  #of = "";
  #sweeps: Sweep[] = [];

  constructor() {
    super();
    this.server = this.task = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#follow(null);
  }

  protected override willUpdate(): void {
    const { server, task } = this;
    this.#follow(server && TaskListStore.known(sharedConnection(server)));
    const of = `${task?.id} ${this.#list?.tasks.length} ${this.#list?.more}`;
    if (!task || !this.#list || of === this.#of) return; // looks through all tasks, and a running one changes often
    [this.#of, this.#sweeps] = [of, sweepsOf(task, this.#list.tasks, !this.#list.more)];
  }

  /** Follow which tasks of a list there are, and which have something to compare. */
  #follow(list: TaskListStore | null): void {
    if (list === this.#list) return;
    this.#unsubscribe();
    [this.#list, this.#of, this.#unsubscribe] = [list, "", () => {}];
    if (!list) return;
    const ends = [list.subscribeToChanges(this.#onChange), MetricFacts.of(list).follow()];
    this.#unsubscribe = () => ends.forEach((end) => end());
  }

  readonly #onChange = (before: Snapshot | null, after: Snapshot): void => {
    if (before && isComparable(before) === isComparable(after)) return;
    this.#of = "";
    this.requestUpdate();
  };

  protected override render(): TemplateResult | typeof nothing {
    if (this.#sweeps.length === 0) return nothing;
    return html`${this.#sweeps.map((sweep) => html`<button class="ja-quiet-button" type="button" title=${sweep.label} @click=${() => this.#compare(sweep)}>${sweep.label}</button>`)}`;
  }

  #compare({ ids }: Sweep): void {
    this.dispatchEvent(new CustomEvent("ja-compare", { bubbles: true, detail: [...ids] }));
  }
}
