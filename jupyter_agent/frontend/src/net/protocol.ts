/** A subscriber's side of `v1.events.jupyter-agent`, without a socket or a clock. */

import { isLater } from "./cursor.js";
import type { Action, Subscription } from "./types.js";

export const SUBPROTOCOL = "v1.events.jupyter-agent";
export const VERSION = 1;
const CLIENT = "jupyter_agent.frontend/1";

/** Whether a client closed with this code should come back (1006: no close frame came). */
export function comeBack(code: number): boolean {
  return !((code >= 4500 && code <= 4999) || code === 1009);
}

/** The protocol over any number of sockets, one after the other: it remembers its cursors between them. */
export class Protocol {
  welcomed = false;
  readonly subscriptions = new Map<number, Subscription>();
  /** How many requests of a subscription wait for their answer. */
  readonly #asked = new Map<number, number>();

  /** A new socket is up: the frames to send. The rest follows the welcome. */
  connected(): string[] {
    this.disconnected();
    return [JSON.stringify({ type: "hello", versions: [VERSION], role: "subscriber", client: CLIENT })];
  }

  /** The socket is gone. */
  disconnected(): void {
    this.welcomed = false;
    this.#asked.clear();
    for (const subscription of this.subscriptions.values()) subscription.answered = false;
  }

  /** Add or repeat an interest: the frames to send, none before the welcome. */
  subscribe(subscription: Subscription): string[] {
    this.subscriptions.set(subscription.id, subscription);
    subscription.answered = false;
    return this.welcomed ? [this.#ask(subscription)] : [];
  }

  /** Drop an interest; frames still under way for it are ignored. */
  unsubscribe(id: number): string[] {
    const known = this.subscriptions.delete(id);
    return known && this.welcomed ? [JSON.stringify({ type: "unsubscribe", id })] : [];
  }

  /** Take one frame: what to do now, in order. Throws when the server does not speak this protocol. */
  receive(frame: string): Action[] {
    const message = JSON.parse(frame);
    switch (message.type) {
      case "welcome":
        return this.#welcome(message);
      case "subscribed":
        return this.#subscribed(message);
      case "events":
        return this.#events(message);
      case "heartbeat":
        return this.#heartbeat(message);
      case "reply":
        return [{ kind: "reply", reply: message }];
      case "error":
        return this.#error(message);
      case "bye":
        return [{ kind: "bye", reconnect: message.reconnect, delay: message.retry_ms / 1000 }];
      default:
        return [];
    }
  }

  #welcome(message: any): Action[] {
    this.welcomed = true;
    const asks = [...this.subscriptions.values()].map((one): Action => ({
      kind: "send",
      frame: this.#ask(one),
    }));
    return [{ kind: "welcome", now: message.now, heartbeat: message.heartbeat, user: message.user }, ...asks];
  }

  #ask(subscription: Subscription): string {
    this.#asked.set(subscription.id, (this.#asked.get(subscription.id) ?? 0) + 1);
    const { id, tasks, cursor, tail, types } = subscription;
    return JSON.stringify({ type: "subscribe", id, tasks, after: cursor, tail, types });
  }

  /** Note an answer: whether it is the one to the newest request, and not to a replaced one. */
  #answered(id: number): boolean {
    const waiting = (this.#asked.get(id) ?? 0) - 1;
    if (waiting > 0) this.#asked.set(id, waiting);
    else this.#asked.delete(id);
    return waiting === 0;
  }

  #subscribed(message: any): Action[] {
    const subscription = this.subscriptions.get(message.id);
    if (!this.#answered(message.id) || !subscription) return [];
    subscription.cursor = message.cursor;
    subscription.answered = true;
    const answered: Action = { kind: "answered", id: message.id };
    if (message.recovered) return [answered];
    const { id, tasks = [], more = false, cursor } = message;
    return [answered, { kind: "restart", id, tasks, more, cursor }];
  }

  #events(message: any): Action[] {
    const subscription = this.subscriptions.get(message.id);
    if (!subscription?.answered) return [];
    if (message.prev !== subscription.cursor) {
      subscription.answered = false;
      return [{ kind: "send", frame: this.#ask(subscription) }];
    }
    subscription.cursor = message.cursor;
    return [{ kind: "apply", id: message.id, events: message.events }];
  }

  #heartbeat(message: any): Action[] {
    for (const [id, cursor] of Object.entries<string>(message.cursors)) {
      const subscription = this.subscriptions.get(Number(id));
      if (subscription?.answered && isLater(cursor, subscription.cursor)) subscription.cursor = cursor;
    }
    return [];
  }

  #error(message: any): Action[] {
    const { code, message: text, temporary } = message;
    const id: number | null = message.id ?? null;
    const subscription = id === null ? undefined : this.subscriptions.get(id);
    if (id !== null) this.#answered(id);
    if (subscription && code === "bad_cursor" && subscription.cursor !== null) {
      subscription.cursor = null;
      return [{ kind: "send", frame: this.#ask(subscription) }];
    }
    return [{ kind: "error", id, code, message: text, temporary: Boolean(temporary) }];
  }
}
