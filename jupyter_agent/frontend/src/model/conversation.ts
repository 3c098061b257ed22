/** A task's conversation: what was said and asked, and the answers; and the pictures it showed. */

import type { TaskEvent } from "../net/types.js";

/** Which events belong to a conversation. */
export const TALK_TYPES = ["message", "prompt", "input", "command"];
const MOST_MESSAGES = 500;
const MOST_SHOWN = 50;

export interface Message {
  readonly id: string;
  readonly role: string;
  readonly text: string;
  /** Whether it is a question to a person. */
  readonly prompt?: boolean;
  /** Who gave this answer; null where that is not known. */
  readonly by?: string | null;
  /** Whether the task's process has not read it yet. */
  readonly waiting?: boolean;
}

/** Messages in the order in which they began; the parts of one message are joined. */
export class Talk {
  messages: Message[] = [];
  version = 0;
  readonly #at = new Map<string, number>();
  #taken = -1;

  add(event: TaskEvent): void {
    if (event.offset <= this.#taken || event.flag === "bad_data" || !TALK_TYPES.includes(event.type)) return;
    this.#taken = event.offset;
    this.version += 1;
    const { data } = event;
    if (event.type === "message") this.#say(`m${data.message_id}`, data.role, data.text, Boolean(data.delta));
    else if (event.type === "prompt")
      this.#put({ id: `p${data.prompt_id}`, role: "assistant", text: data.text, prompt: true });
    else if (event.type === "command") this.#accepted(data);
    else this.#heard(event);
  }

  clear(): void {
    this.messages = [];
    this.#at.clear();
    this.#taken = -1;
    this.version += 1;
  }

  /** The holder has taken this answer; that of another, straight from the task's own process, may still win. */
  #accepted({ command, args = {}, by = null }: any): void {
    const { text, prompt_id } = args;
    if (command === "input" && prompt_id)
      this.#put({ id: `a${prompt_id}`, role: "user", text: `${text}`, by, waiting: true });
  }

  /** The task has got this. */
  #heard({ offset, data }: TaskEvent): void {
    const { prompt_id, role = "user", text } = data;
    const id = prompt_id ? `a${prompt_id}` : `i${offset}`;
    const known = this.messages[this.#at.get(id) ?? -1];
    this.#put({ id, role, text, by: known?.text === text ? known?.by : null });
  }

  #say(id: string, role: string, text: string, delta: boolean): void {
    const known = this.#at.get(id);
    const before = known === undefined ? "" : this.messages[known]!.text;
    this.#put({ id, role, text: delta ? before + text : text });
  }

  #put(message: Message): void {
    const known = this.#at.get(message.id);
    if (known !== undefined) {
      this.messages[known] = message;
      return;
    }
    this.#at.set(message.id, this.messages.push(message) - 1);
    if (this.messages.length > MOST_MESSAGES * 1.1) this.#trim();
  }

  #trim(): void {
    this.messages = this.messages.slice(-MOST_MESSAGES);
    this.#at.clear();
    this.messages.forEach((message, index) => this.#at.set(message.id, index));
  }
}

/** A MIME bundle that a task showed. */
export interface Shown {
  readonly id: string;
  readonly data: Record<string, unknown>;
  readonly metadata: Record<string, unknown>;
}

/** The newest bundles; one with a `display_id` replaces the one before it. */
export class Gallery {
  shown: Shown[] = [];
  /** How many were dropped. */
  dropped = 0;
  version = 0;
  #taken = -1;

  add(event: TaskEvent): void {
    if (event.type !== "display" || event.offset <= this.#taken || event.flag === "bad_data") return;
    this.#taken = event.offset;
    this.version += 1;
    const { data = {}, metadata = {}, display_id } = event.data;
    const made = { id: display_id ? `d${display_id}` : `o${event.offset}`, data, metadata: metadata ?? {} };
    const known = this.shown.findIndex((one) => one.id === made.id);
    if (known >= 0) this.shown = this.shown.with(known, made);
    else this.#push(made);
  }

  clear(): void {
    this.shown = [];
    this.dropped = 0;
    this.#taken = -1;
    this.version += 1;
  }

  #push(made: Shown): void {
    this.shown = [...this.shown, made];
    if (this.shown.length <= MOST_SHOWN) return;
    this.shown = this.shown.slice(1);
    this.dropped += 1;
  }
}
