/** `<jupyter-agent-panel>`: the side bar's views, and the button that runs something. */

import { html, nothing, type TemplateResult } from "lit";
import { LightElement, SCRIPT_ONLY, STATE } from "../../dom/light_element.js";
import type { Host } from "../../element/index.js";
import type { Server } from "../../net/server.js";
import "../../screens/screen_element.js";
import type { RunOptions } from "../../screens/run_options.js";
import { TASKS, type View, viewNamed, VIEWS } from "../../screens/views.js";

const LIST: View = { name: TASKS, label: "Tasks", file: "list.js", element: "jupyter-agent-tasks" };
/** The views that fit in a side bar. */
const NAMES = ["schedules", "forwards"];

export class PanelView extends LightElement {
  static override properties = {
    server: SCRIPT_ONLY,
    host: SCRIPT_ONLY,
    run: SCRIPT_ONLY,
    readOnly: SCRIPT_ONLY,
    view: STATE,
    shown: STATE,
  };
  declare server: Server;
  declare host: Host;
  /** Shows the form; null: the user may not run tasks. */
  declare run: ((options: RunOptions) => void) | null;
  declare readOnly: boolean;
  declare view: string;
  /** Whether the panel has been shown: until then nothing is loaded. */
  declare shown: boolean;

  constructor() {
    super();
    this.shown = this.readOnly = false;
    this.view = TASKS;
  }

  protected override render(): TemplateResult {
    const view = viewNamed(this.view);
    const views = VIEWS.filter(({ name }) => NAMES.includes(name));
    return html`<div class="ja-panel-head">
        <nav class="ja-panel-views" aria-label="Views">
          ${this.#tab(TASKS, "Tasks")} ${views.map(({ name, label }) => this.#tab(name, label ?? name))}
        </nav>
        ${this.readOnly ? html`<span class="ja-panel-note" title="You may look at tasks, and not command them">Read only</span>` : nothing}
        ${this.run ? this.#plus(this.run) : nothing}
      </div>
      ${this.shown ? this.#screen(LIST, { host: this.host, keepsAs: "panel" }, view !== null) : nothing}
      ${view ? this.#screen(view, { argument: "", current: null }, false) : nothing}`;
  }

  #screen(view: View, values: object, hidden: boolean): TemplateResult {
    const onRun = ({ detail }: CustomEvent<RunOptions>) => this.run?.(detail);
    return html`<jupyter-agent-screen .server=${this.server} .view=${view} .values=${values} ?hidden=${hidden} @ja-run=${onRun}></jupyter-agent-screen>`;
  }

  #tab(name: string, label: string): TemplateResult {
    const current = this.view === name ? "page" : nothing;
    return html`<button type="button" aria-current=${current} @click=${() => (this.view = name)}>${label}</button>`;
  }

  #plus(run: (options: RunOptions) => void): TemplateResult {
    const press = () => run({ scheduled: this.view === "schedules" });
    return html`<button class="ja-panel-run" type="button" title="Run or schedule something" aria-label="Run" @click=${press}>+</button>`;
  }
}

const NAME = "jupyter-agent-panel";
if (!customElements.get(NAME)) customElements.define(NAME, PanelView);
