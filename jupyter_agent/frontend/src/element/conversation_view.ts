/** `<jupyter-agent-talk>`: the conversation with a task, and the form for answers. */

import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { inlineCode } from "../dom/inline_code.js";
import { LightElement, SCRIPT_ONLY, STATE } from "../dom/light_element.js";
import type { Server } from "../net/server.js";
import type { Snapshot } from "../net/types.js";
import { END_STATES } from "../model/reducer.js";
import type { Message, Conversation } from "../model/conversation.js";
import { printable } from "../model/format.js";
import { loadRich } from "./lazy_modules.js";

/** Sends the text that the user entered; resolves with whether it was accepted. */
export type SendAnswer = (text: string, promptId: string | null) => Promise<boolean>;
const ROLE_LABELS: Record<string, string> = {
  user: "You",
  assistant: "Task",
  default: "Not answered in time; the default",
  nobody: "Not answered",
};
/** Roles whose text is not Markdown. */
const PLAIN_TEXT_ROLES: ReadonlySet<string> = new Set(["user", "default", "nobody"]);
/** Milliseconds after an answer's next question has appeared in which a press still belongs to the one before. */
const GUARD_TIME = 400;
type ToHtml = (markdown: string) => string;

export class ConversationView extends LightElement {
  static override properties = {
    conversation: SCRIPT_ONLY,
    task: SCRIPT_ONLY,
    server: SCRIPT_ONLY,
    answer: SCRIPT_ONLY,
    version: SCRIPT_ONLY,
    me: SCRIPT_ONLY,
    busy: STATE,
    guarded: STATE,
  };
  declare conversation: Conversation | null;
  declare task: Snapshot | null;
  declare server: Server | null;
  /** Null: the user may only read. */
  declare answer: SendAnswer | null;
  declare version: number;
  /** The server's name for the current user; null while unknown. */
  declare me: string | null;
  declare busy: boolean;
  /** Whether the question has only just taken the place of one that was answered here. */
  declare guarded: boolean;
  #toHtml: ToHtml | null = null;
  #loading = false;
  /** The question that was drawn last. */
  #asked: string | null = null;
  /** The question that was answered here last. */
  #answered: string | null = null;
  /** Whether the focus follows to the next question, as its choice is gone. */
  #focusMoves = false;
  /** Where the focus was moved to last. */
  #placed: HTMLElement | null = null;
  readonly #fieldId = `ja-answer-${Math.random().toString(36).slice(2)}`;

  constructor() {
    super();
    this.conversation = this.task = this.server = this.me = this.answer = null;
    this.version = 0;
    this.busy = this.guarded = false;
  }

  protected override render(): TemplateResult {
    const messages = this.conversation?.messages.length
      ? this.conversation.messages
      : this.#snapshotMessages();
    return html`${messages.length ? this.#messages(messages) : nothing}${this.#form(messages)}`;
  }

  /** Return the messages of the snapshot: shown until the whole conversation is loaded. */
  #snapshotMessages(): Message[] {
    return (this.task?.messages ?? []).map(({ message_id, role, text }) => ({
      id: `m${message_id}`,
      role,
      text,
    }));
  }

  #messages(messages: Message[]): TemplateResult {
    void this.#loadMarkdown();
    return html`<div class="ja-talk" data-lm-suppress-shortcuts="true" role="group" aria-label="Conversation" tabindex="0">
      ${repeat(
        messages,
        (message) => message.id,
        (message) => this.#message(message),
      )}
    </div>`;
  }

  #message({ role, text, prompt = false, by, unread }: Message): TemplateResult {
    const other = by && by !== this.me ? `Answered by ${by}` : "";
    const who = printable(other || ROLE_LABELS[role] || role);
    return html`<div class="ja-message" data-role=${role} data-prompt=${prompt}>
      <span class="ja-who">${who}${unread ? html`<span class="ja-waiting"> · not read yet</span>` : nothing}</span>${this.#body(text, role)}
    </div>`;
  }

  #body(text: string, role: string): TemplateResult {
    const safe = printable(text);
    if (PLAIN_TEXT_ROLES.has(role) || !this.#toHtml) return html`<div class="ja-said-text">${safe}</div>`;
    return html`<div class="ja-said-html" .innerHTML=${this.#toHtml(safe)}></div>`;
  }

  /** Load the Markdown renderer. Until then, and without it, messages are shown as text. */
  async #loadMarkdown(): Promise<void> {
    if (this.#loading || !this.server) return;
    this.#loading = true;
    const rich = await loadRich(this.server).catch(() => null);
    this.#toHtml = rich?.markdown ?? null;
    this.requestUpdate();
  }

  #form(messages: Message[]): TemplateResult | typeof nothing {
    const prompt = this.task?.prompt ?? null;
    const open = this.task !== null && !END_STATES.has(this.task.state) && messages.length > 0;
    if (!prompt && !open) return nothing;
    const known = prompt !== null && messages.some((message) => message.id === `p${prompt.prompt_id}`);
    const question = prompt ? inlineCode(printable(prompt.text)) : "Say something to the task";
    if (!this.answer)
      return prompt && !known ? html`<div class="ja-prompt" data-asking="true">${question}</div>` : nothing;
    return html`<form class="ja-prompt" data-asking=${prompt !== null} @submit=${this.#submit}>
      <label for=${this.#fieldId} class=${known ? "ja-hidden" : ""}>${question}</label>
      ${prompt?.choices?.length ? this.#choices(prompt.choices) : nothing}
      <div class="ja-reply">
        <input class="ja-answer" id=${this.#fieldId} type="text" autocomplete="off" @keydown=${this.#onKey} />
        <button class="ja-button" type="submit" ?disabled=${this.busy}>Send</button>
      </div>
    </form>`;
  }

  #choices(choices: string[]): TemplateResult {
    return html`<div class="ja-choices" role="group" aria-label="Answers">
      ${choices.map((choice) => html`<button class="ja-button" type="button" ?disabled=${this.busy} aria-disabled=${this.guarded ? "true" : nothing} @click=${() => this.#choose(choice)}>${printable(choice)}</button>`)}
    </div>`;
  }

  /** Send with Enter. JupyterLab prevents a browser's own way of submitting a form inside of a cell. */
  #onKey(event: KeyboardEvent): void {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    (event.target as HTMLInputElement).form?.requestSubmit();
  }

  #choose(choice: string): void {
    [this.#focusMoves, this.#placed] = [!this.busy && !this.guarded, null];
    void this.#send(choice);
  }

  #submit(event: Event): void {
    event.preventDefault();
    const field = this.querySelector<HTMLInputElement>(".ja-answer")!;
    void this.#send(field.value).then((accepted) => {
      if (accepted) field.value = "";
    });
  }

  async #send(text: string): Promise<boolean> {
    const prompt = this.task?.prompt?.prompt_id ?? null;
    if (!this.answer || this.busy || this.guarded || (text === "" && prompt === null)) return false;
    [this.busy, this.#answered] = [true, prompt];
    const accepted = await this.answer(text, prompt);
    this.busy = false;
    if (!accepted) this.#answered = null;
    return accepted;
  }

  /** A second press on an answer must not answer the question that comes next. */
  #guard(): void {
    const asked = this.task?.prompt?.prompt_id ?? null;
    if (asked === this.#asked) return;
    this.#asked = asked;
    if (asked === null || this.#answered === null) return;
    this.guarded = true;
    setTimeout(() => (this.guarded = false), GUARD_TIME);
  }

  /** Move the focus from a choice that is gone to the next question's first one; until that comes, to the field. The
   * user may move it away meanwhile, also to nowhere. */
  #moveFocus(): void {
    if (!this.#focusMoves || this.busy || (this.#asked !== null && this.#asked === this.#answered)) return;
    const focused = document.activeElement;
    const isNowhere = !focused || focused === document.body;
    const isElsewhere = isNowhere ? this.#placed?.isConnected : !this.contains(focused);
    const isWriting = focused?.matches(".ja-answer") && (focused as HTMLInputElement).value;
    if (isElsewhere || isWriting) this.#focusMoves = false;
    else if (!focused?.matches(".ja-choices *")) {
      this.#placed = this.#nextTarget;
      this.#placed?.focus({ preventScroll: true });
    }
  }

  get #nextTarget(): HTMLElement | null {
    const find = (selector: string) => this.querySelector<HTMLElement>(selector);
    return find(".ja-choices button") ?? find(".ja-answer") ?? find(".ja-talk");
  }

  /** Keep the newest message in view, unless the user scrolled away from it. */
  protected override willUpdate(): void {
    this.#guard();
    const box = this.querySelector(".ja-talk");
    this.#atEnd = !box || box.scrollHeight - box.scrollTop - box.clientHeight < 24;
  }

  #atEnd = true;

  protected override updated(): void {
    const box = this.querySelector(".ja-talk");
    if (box && this.#atEnd) box.scrollTop = box.scrollHeight;
    this.#moveFocus();
  }
}
