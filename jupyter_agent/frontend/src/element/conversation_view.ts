/** The conversation with a task, and the place to answer. */

import { LitElement, html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Server } from "../net/server.js";
import type { Snapshot } from "../net/types.js";
import { ENDED } from "../model/reducer.js";
import type { Message, Talk } from "../model/conversation.js";
import { printable } from "../model/format.js";
import { loadRich } from "./lazy_modules.js";

/** Sends what a person wrote; resolves with whether it was taken. */
export type Answer = (text: string, promptId: string | null) => Promise<boolean>;
const WHO: Record<string, string> = {
  user: "You",
  assistant: "Task",
  default: "Nobody answered in time; the default",
  nobody: "Nobody answered in time",
};
/** Whose words are no Markdown. */
const PERSON: ReadonlySet<string> = new Set(["user", "default", "nobody"]);
type ToHtml = (markdown: string) => string;

export class TalkView extends LitElement {
  static override properties = {
    talk: { attribute: false },
    task: { attribute: false },
    server: { attribute: false },
    answer: { attribute: false },
    version: { attribute: false },
    me: { attribute: false },
    busy: { state: true },
  };
  declare talk: Talk | null;
  declare task: Snapshot | null;
  declare server: Server | null;
  declare answer: Answer;
  declare version: number;
  /** What the server calls who looks at this. */
  declare me: string | null;
  declare busy: boolean;
  #toHtml: ToHtml | null = null;
  #asked = false;
  readonly #field = `ja-answer-${Math.random().toString(36).slice(2)}`;

  constructor() {
    super();
    this.talk = this.task = this.server = this.me = null;
    this.answer = async () => false;
    this.version = 0;
    this.busy = false;
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override render(): TemplateResult {
    const messages = this.talk?.messages.length ? this.talk.messages : this.#known();
    return html`${messages.length ? this.#messages(messages) : nothing}${this.#form(messages)}`;
  }

  /** The last of the talk is in the snapshot; all of it takes the server. */
  #known(): Message[] {
    return (this.task?.messages ?? []).map(({ message_id, role, text }) => ({
      id: `m${message_id}`,
      role,
      text,
    }));
  }

  #messages(messages: Message[]): TemplateResult {
    void this.#load();
    return html`<div class="ja-talk" data-lm-suppress-shortcuts="true" role="group" aria-label="Conversation" tabindex="0">
      ${repeat(
        messages,
        (message) => message.id,
        (message) => this.#message(message),
      )}
    </div>`;
  }

  #message({ role, text, prompt = false, by, waiting }: Message): TemplateResult {
    const other = by && by !== this.me ? `Answered by ${by}` : "";
    const who = printable(other || WHO[role] || role);
    return html`<div class="ja-message" data-role=${role} data-prompt=${prompt}>
      <span class="ja-who">${who}${waiting ? html`<span class="ja-waiting"> · not read yet</span>` : nothing}</span>${this.#body(text, role)}
    </div>`;
  }

  #body(text: string, role: string): TemplateResult {
    const harmless = printable(text);
    if (PERSON.has(role) || !this.#toHtml) return html`<div class="ja-said-text">${harmless}</div>`;
    return html`<div class="ja-said-html" .innerHTML=${this.#toHtml(harmless)}></div>`;
  }

  /** Markdown is drawn as text until what draws it is there, and where the server does not give it. */
  async #load(): Promise<void> {
    if (this.#asked || !this.server) return;
    this.#asked = true;
    const rich = await loadRich(this.server).catch(() => null);
    this.#toHtml = rich?.markdown ?? null;
    this.requestUpdate();
  }

  #form(messages: Message[]): TemplateResult | typeof nothing {
    const prompt = this.task?.prompt ?? null;
    const open = this.task !== null && !ENDED.has(this.task.state) && messages.length > 0;
    if (!prompt && !open) return nothing;
    const known = prompt !== null && messages.some((message) => message.id === `p${prompt.prompt_id}`);
    return html`<form class="ja-prompt" data-asking=${prompt !== null} @submit=${this.#submit}>
      <label for=${this.#field} class=${known ? "ja-hidden" : ""}>${prompt ? printable(prompt.text) : "Say something to the task"}</label>
      ${prompt?.choices?.length ? this.#choices(prompt.choices) : nothing}
      <div class="ja-reply">
        <input class="ja-answer" id=${this.#field} type="text" autocomplete="off" />
        <button class="ja-button" type="submit" ?disabled=${this.busy}>Send</button>
      </div>
    </form>`;
  }

  #choices(choices: string[]): TemplateResult {
    return html`<div class="ja-choices" role="group" aria-label="Answers">
      ${choices.map((choice) => html`<button class="ja-button" type="button" ?disabled=${this.busy} @click=${() => this.#send(choice)}>${printable(choice)}</button>`)}
    </div>`;
  }

  #submit(event: Event): void {
    event.preventDefault();
    const field = this.querySelector<HTMLInputElement>(".ja-answer")!;
    void this.#send(field.value).then((taken) => {
      if (taken) field.value = "";
    });
  }

  async #send(text: string): Promise<boolean> {
    const prompt = this.task?.prompt?.prompt_id ?? null;
    if (this.busy || (text === "" && prompt === null)) return false;
    this.busy = true;
    const taken = await this.answer(text, prompt);
    this.busy = false;
    return taken;
  }

  /** The newest message stays in sight, unless the reader scrolled away. */
  protected override willUpdate(): void {
    const box = this.querySelector(".ja-talk");
    this.#stick = !box || box.scrollHeight - box.scrollTop - box.clientHeight < 24;
  }

  #stick = true;

  protected override updated(): void {
    const box = this.querySelector(".ja-talk");
    if (box && this.#stick) box.scrollTop = box.scrollHeight;
  }
}
