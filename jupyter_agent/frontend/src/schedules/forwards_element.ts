/** `<jupyter-agent-forwards>`: where the server sends events, and how far it is. */

import { html, nothing, type TemplateResult } from "lit";
import { STATE } from "../dom/light_element.js";
import { formatNumber, toSingleLine } from "../model/format.js";
import { fetchJson } from "../net/server.js";
import { type ForwardBody, forwardForm } from "./forward_form.js";
import { ResourceElement, rowButton } from "./resource_element.js";

/** A forward, as the server sends it. */
export interface Forward {
  readonly id: string;
  readonly url: string;
  readonly tasks: readonly string[] | null;
  readonly types: readonly string[] | null;
  readonly headers: readonly string[];
  readonly format: string;
  readonly state: string;
  readonly delivered: number;
  readonly lag: number;
  readonly error: string | null;
}

export class ForwardsElement extends ResourceElement<Forward> {
  static override properties = {
    ...ResourceElement.properties,
    adding: STATE,
    refused: STATE,
    sending: STATE,
  };
  protected override readonly path = "forwards";
  /** Whether the form is shown. */
  declare adding: boolean;
  /** Why the server refused what the form says; empty while it did not. */
  declare refused: string;
  declare sending: boolean;

  constructor() {
    super();
    this.adding = this.sending = false;
    this.refused = "";
  }

  protected override head(): TemplateResult | typeof nothing {
    if (!this.rights.has("execute")) return nothing;
    if (this.adding)
      return forwardForm(this.refused, this.sending, this.#add, () => void this.#showForm(false));
    return html`<p class="jas-tools">
      <button class="jas-button jas-add" type="button" @click=${() => void this.#showForm(true)}>New forward</button>
    </p>`;
  }

  protected override empty(): TemplateResult {
    return html`<p class="jas-empty">No forwards. A forward sends the events of tasks to another program’s WebSocket.</p>`;
  }

  protected override row(forward: Forward): TemplateResult {
    const { id, state, delivered, lag, error } = forward;
    const refusal = this.pending.refusal(id);
    return html`<li class="jas-row" data-id=${id}>
      <p class="jas-title"><strong class="jas-name">${toSingleLine(forward.url)}</strong></p>
      <p class="jas-when">${whatIsSent(forward)}</p>
      <p class="jas-next"><span class="jas-state" data-state=${state}>${state}</span> ${formatNumber(delivered)} delivered, ${lag === 0 ? "nothing waits" : `${formatNumber(lag)} behind`}</p>
      ${error ? html`<p class="jas-error">${toSingleLine(error)}</p>` : nothing}
      <p class="jas-buttons">${this.#buttons(forward)}</p>
      ${refusal ? html`<p class="jas-error" role="alert">${refusal}</p>` : nothing}
    </li>`;
  }

  #buttons(forward: Forward): TemplateResult | typeof nothing {
    const { id, url } = forward;
    const [name, busy] = [`the forward to ${toSingleLine(url)}`, this.pending.busy(id)];
    if (!this.rights.has("write")) return nothing;
    return rowButton("delete", "Remove", `Remove ${name}`, busy, () => void this.removeItem(forward, name));
  }

  readonly #add = async (body: ForwardBody): Promise<void> => {
    this.sending = true;
    const init = { method: "POST", body: JSON.stringify(body) };
    const answer = await fetchJson(this.server, "forwards", "The server cannot be reached.", init);
    this.sending = false;
    this.refused = typeof answer === "string" ? answer : "";
    if (this.refused) return;
    this.announcement = "Forward added";
    await this.refresh();
    await this.#showForm(false);
  };

  /** Show or close the form, and move the focus there, or to the button that shows it. */
  async #showForm(adding: boolean): Promise<void> {
    this.adding = adding;
    this.refused = "";
    await this.updateComplete;
    this.querySelector<HTMLElement>(adding ? "input" : ".jas-add")?.focus();
  }
}

/** Return which events are sent, of which tasks, and with which headers. */
function whatIsSent({ tasks, types, headers, format }: Forward): string {
  const ofTasks =
    tasks === null ? "all tasks" : tasks.length === 1 ? `task ${tasks[0]!}` : `${tasks.length} tasks`;
  const what = types === null ? "All events" : types.join(", ");
  const as = format === "json" ? "" : `, as ${format}`;
  const withHeaders = headers.length > 0 ? `, with ${headers.join(", ")}` : "";
  return toSingleLine(`${what} of ${ofTasks}${as}${withHeaders}`);
}
