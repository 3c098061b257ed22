/** A task's conversation: messages, questions and their answers. */

import type { EventData, EventOf, TaskEvent } from "../net/types.js";

/** The types of event that belong to a conversation. */
export const CONVERSATION_TYPES = ["message", "prompt", "input", "command"];
/** Messages that are kept; the oldest are dropped first. */
const MAX_MESSAGES = 500;

export interface Message {
  readonly id: string;
  readonly role: string;
  readonly text: string;
  /** Whether it is a question to a person. */
  readonly prompt?: boolean;
  /** The user who gave this answer; null while unknown. */
  readonly by?: string | null;
  /** Whether the task's process has not read it yet. */
  readonly unread?: boolean;
}

/** Messages in the order in which they began; the parts of one message are joined. */
export class Conversation {
  messages: Message[] = [];
  /** Incremented by every change. */
  version = 0;
  readonly #indexById = new Map<string, number>();
  #lastOffset = -1;

  add(event: TaskEvent): void {
    if (event.offset <= this.#lastOffset || event.flag === "bad_data") return;
    if (!CONVERSATION_TYPES.includes(event.type)) return;
    this.#lastOffset = event.offset;
    this.version += 1;
    if (event.type === "message") this.#onMessage(event.data);
    else if (event.type === "prompt") this.#onPrompt(event.data);
    else if (event.type === "command") this.#onAcceptedAnswer(event.data);
    else if (event.type === "input") this.#onInput(event);
  }

  clear(): void {
    this.messages = [];
    this.#indexById.clear();
    this.#lastOffset = -1;
    this.version += 1;
  }

  #onPrompt({ prompt_id, text }: EventData["prompt"]): void {
    this.#put({ id: `p${prompt_id}`, role: "assistant", text, prompt: true });
  }

  /** Show an answer that the holder accepted. An answer from the task's own process may still take precedence. */
  #onAcceptedAnswer({ command, args = {}, by = null }: EventData["command"]): void {
    const { text, prompt_id } = args;
    if (command !== "input" || !prompt_id) return;
    this.#put({ id: `a${prompt_id}`, role: "user", text: String(text), by, unread: true });
  }

  /** Show the input that the task received. */
  #onInput({ offset, data }: EventOf<"input">): void {
    const { prompt_id, role = "user", text } = data;
    const id = prompt_id ? `a${prompt_id}` : `i${offset}`;
    const known = this.messages[this.#indexById.get(id) ?? -1];
    this.#put({ id, role, text, by: known?.text === text ? known.by : null });
  }

  #onMessage({ message_id, role, text, delta }: EventData["message"]): void {
    const id = `m${message_id}`;
    const known = this.#indexById.get(id);
    const before = known === undefined ? "" : this.messages[known]!.text;
    this.#put({ id, role, text: delta ? before + text : text });
  }

  #put(message: Message): void {
    const known = this.#indexById.get(message.id);
    if (known !== undefined) {
      this.messages[known] = message;
      return;
    }
    this.#indexById.set(message.id, this.messages.push(message) - 1);
    if (this.messages.length > MAX_MESSAGES * 1.1) this.#trim();
  }

  #trim(): void {
    this.messages = this.messages.slice(-MAX_MESSAGES);
    this.#indexById.clear();
    this.messages.forEach((message, index) => this.#indexById.set(message.id, index));
  }
}
