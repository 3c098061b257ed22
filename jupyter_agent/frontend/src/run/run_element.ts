/** `<jupyter-agent-run>`: the form that runs something, schedules it, or changes a schedule. */

import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { LightElement, SCRIPT_ONLY, STATE } from "../dom/light_element.js";
import { adoptStyles } from "../dom/styles.js";
import { toSingleLine } from "../model/format.js";
import type { Server } from "../net/server.js";
import type { RunOptions, RunOutcome } from "../screens/run_options.js";
import { changeBody, newBody, takesParameters, targetOf, triggerOf, withOwnParameters } from "./body.js";
import { type Draft, draftOf } from "./draft.js";
import { optionFields } from "./option_fields.js";
import { parameterFields } from "./parameter_fields.js";
import {
  type Declared,
  describeTarget,
  type Preview,
  previewTrigger,
  send,
  type TargetDescription,
} from "./requests.js";
import css from "./run.css";
import { targetFields, targetTrouble } from "./target_fields.js";
import { triggerFields } from "./trigger_fields.js";

/** Milliseconds after the last key until the server is asked about a target or a trigger. */
const TYPING_PAUSE = 250;

export type Change = (change: Partial<Draft>) => void;

export class RunElement extends LightElement {
  static override properties = {
    server: SCRIPT_ONLY,
    options: SCRIPT_ONLY,
    draft: STATE,
    described: STATE,
    preview: STATE,
    refused: STATE,
    sending: STATE,
  };
  declare server: Server;
  declare options: RunOptions;
  declare draft: Draft;
  /** What the server knows of the target, or why it cannot run; null: not asked, or no answer yet. */
  declare described: TargetDescription | string | null;
  /** When the trigger would run, or what is wrong with it; null: now, or no answer yet. */
  declare preview: Preview | string | null;
  /** Why the server refused the whole; empty while it did not. */
  declare refused: string;
  declare sending: boolean;
  #before: Draft | null = null;
  #described = new Question();
  #previewed = new Question();

  constructor() {
    super();
    this.described = this.preview = null;
    this.refused = "";
    this.sending = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    adoptStyles(this, css);
    this.draft = this.#before = draftOf(this.options, new Date());
    void this.#describe(0);
    void this.#preview(0);
  }

  /** The heading of the form. */
  get heading(): string {
    const { schedule } = this.options;
    return schedule
      ? `Edit ${toSingleLine(schedule.name)}`
      : this.draft.when === "now"
        ? "Run as task"
        : "New schedule";
  }

  get #declared(): readonly Declared[] {
    return this.described !== null && typeof this.described !== "string" ? this.described.parameters : [];
  }

  readonly #change: Change = (change) => {
    const before = this.draft;
    this.draft = withOwnParameters({ ...before, ...change }, this.#before!);
    this.refused = "";
    const isOtherKind = before.kind !== this.draft.kind;
    if (isOtherKind) this.described = null;
    if (isOtherKind || targetOf(before) !== targetOf(this.draft)) void this.#describe(TYPING_PAUSE);
    if (JSON.stringify(triggerOf(before)) !== JSON.stringify(triggerOf(this.draft)))
      void this.#preview(TYPING_PAUSE);
  };

  async #describe(pause: number): Promise<void> {
    const text = targetOf(this.draft);
    // Commands and sentences declare nothing, and what stands in them belongs in no address.
    const target =
      takesParameters(this.draft) || (this.draft.kind === "agent" && !/\s/.test(text)) ? text : "";
    const ask = () => describeTarget(this.server, target, this.options.schedule?.cwd);
    if (!target) this.#described.drop();
    const answer = target ? await this.#described.ask(pause, ask) : null;
    if (answer !== undefined) this.described = answer;
  }

  async #preview(pause: number): Promise<void> {
    const trigger = triggerOf(this.draft);
    if (!trigger) this.#previewed.drop();
    const answer = trigger && (await this.#previewed.ask(pause, () => previewTrigger(this.server, trigger)));
    if (answer !== undefined) this.preview = answer;
  }

  readonly #submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (this.sending) return;
    this.sending = true;
    const { draft, server } = this;
    const schedule = this.options.schedule ?? null;
    const body = schedule ? changeBody(draft, this.#before!, this.#declared) : newBody(draft, this.#declared);
    const isUnchanged = schedule !== null && body === "{}";
    const outcome = isUnchanged ? { schedule } : await send(server, body, draft.when !== "now", schedule);
    this.sending = false;
    if (typeof outcome !== "string") return this.#close(outcome);
    this.refused = outcome;
    this.dispatchEvent(new Event("ja-refused"));
  };

  #close(outcome: RunOutcome | null): void {
    this.dispatchEvent(new CustomEvent<RunOutcome | null>("ja-done", { detail: outcome }));
  }

  protected override render(): TemplateResult {
    const { draft, described, preview, options } = this;
    const change = this.#change;
    const known = typeof described === "string" ? null : described;
    return html`<form class="jar-form" @submit=${this.#submit} autocomplete="off">
      <h2 id="jar-heading" class="jar-heading">${this.heading}</h2>
      <div class="jar-body">
        ${targetFields(draft, targetTrouble(described, draft), change)}
        ${known && takesParameters(draft) ? parameterFields(draft, known, change) : nothing}
        ${triggerFields(draft, preview, options.schedule !== undefined, change)}
        ${optionFields(draft, options.schedule !== undefined, change)}
      </div>
      ${this.refused ? html`<p class="jar-error" role="alert">${this.refused}</p>` : nothing}
      <p class="jar-buttons">
        <button class="jar-button" type="button" @click=${() => this.#close(null)}>Cancel</button>
        <button class="jar-button jar-primary" type="submit" ?disabled=${this.sending}>${this.#verb}</button>
      </p>
    </form>`;
  }

  get #verb(): string {
    if (this.options.schedule) return "Save";
    return this.draft.when === "now" ? "Run" : "Schedule";
  }

  protected override firstUpdated(_: PropertyValues): void {
    const target = this.querySelector<HTMLInputElement>(".jar-target");
    const first = target?.value ? this.querySelector<HTMLElement>(".jar-primary") : target;
    first?.focus();
  }
}

/** A question to the server that is asked again with each change: only the answer to the last one counts. */
class Question {
  #number = 0;

  /** Forget the question under way. */
  drop(): void {
    this.#number += 1;
  }

  /** Resolve with the answer; undefined when another question was asked meanwhile. */
  async ask<T>(pause: number, request: () => Promise<T>): Promise<T | undefined> {
    const number = (this.#number += 1);
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    if (number !== this.#number) return undefined;
    const answer = await request();
    return number === this.#number ? answer : undefined;
  }
}
