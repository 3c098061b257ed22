/** The subscriber's side of `v1.events.jupyter-agent`, sans-I/O: no socket, no clock. */

import { isLater } from "./cursor.js";
import type {
  Action,
  ErrorMessage,
  Events,
  Heartbeat,
  ServerMessage,
  Subscribed,
  Subscription,
  Welcome,
} from "./types.js";

export const SUBPROTOCOL = "v1.events.jupyter-agent";
export const VERSION = 1;
const CLIENT = "jupyter_agent.frontend/1";

/** Return whether to reconnect after this close code (1006: no close frame came). */
export function shouldReconnect(code: number): boolean {
  return !((code >= 4500 && code <= 4999) || code === 1009);
}

/** One subscriber over any number of sockets, one after the other; keeps the cursors between them. */
export class Protocol {
  welcomed = false;
  readonly #subscriptions = new Map<number, Subscription>();
  /** Number of unanswered requests, by subscription id. */
  readonly #pending = new Map<number, number>();

  get subscriptions(): ReadonlyMap<number, Subscription> {
    return this.#subscriptions;
  }

  /** Return the frames to send on a new socket; the rest follows the welcome. */
  connected(): string[] {
    this.disconnected();
    return [JSON.stringify({ type: "hello", versions: [VERSION], role: "subscriber", client: CLIENT })];
  }

  /** Record that the socket is gone. */
  disconnected(): void {
    this.welcomed = false;
    this.#pending.clear();
    for (const subscription of this.#subscriptions.values()) subscription.answered = false;
  }

  /** Add or repeat a subscription; return the frames to send, none before the welcome. */
  subscribe(subscription: Subscription): string[] {
    this.#subscriptions.set(subscription.id, subscription);
    subscription.answered = false;
    return this.welcomed ? [this.#requestFrame(subscription)] : [];
  }

  /** Remove a subscription; frames still in flight for it are ignored. */
  unsubscribe(id: number): string[] {
    const known = this.#subscriptions.delete(id);
    return known && this.welcomed ? [JSON.stringify({ type: "unsubscribe", id })] : [];
  }

  /** Process one frame; return the actions to take, in order. Throws on a frame that is not of this protocol. */
  receive(frame: string): Action[] {
    const message = JSON.parse(frame) as ServerMessage;
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

  #welcome(message: Welcome): Action[] {
    this.welcomed = true;
    const requests = [...this.#subscriptions.values()].map((one): Action => ({
      kind: "send",
      frame: this.#requestFrame(one),
    }));
    const { now, heartbeat, user, trouble = [], rights } = message;
    return [{ kind: "welcome", now, heartbeat, user, trouble, rights }, ...requests];
  }

  #requestFrame(subscription: Subscription): string {
    this.#pending.set(subscription.id, (this.#pending.get(subscription.id) ?? 0) + 1);
    const { id, tasks, cursor, tail, types } = subscription;
    return JSON.stringify({ type: "subscribe", id, tasks, after: cursor, tail, types });
  }

  /** Count an answer; return whether it is the one to the newest request, not to a replaced one. */
  #isNewestAnswer(id: number): boolean {
    const pending = (this.#pending.get(id) ?? 0) - 1;
    if (pending > 0) this.#pending.set(id, pending);
    else this.#pending.delete(id);
    return pending === 0;
  }

  #subscribed(message: Subscribed): Action[] {
    const subscription = this.#subscriptions.get(message.id);
    if (!this.#isNewestAnswer(message.id) || !subscription) return [];
    subscription.cursor = message.cursor;
    subscription.answered = true;
    const answered: Action = { kind: "answered", id: message.id };
    if (message.recovered) return [answered];
    const { id, tasks = [], more = false, cursor } = message;
    return [answered, { kind: "restart", id, tasks, more, cursor }];
  }

  #events(message: Events): Action[] {
    const subscription = this.#subscriptions.get(message.id);
    if (!subscription?.answered) return [];
    // Exactly once: a batch applies only where the previous one ended. Otherwise ask again from our own cursor, and
    // ignore batches until the answer.
    if (message.prev !== subscription.cursor) {
      subscription.answered = false;
      return [{ kind: "send", frame: this.#requestFrame(subscription) }];
    }
    subscription.cursor = message.cursor;
    return [{ kind: "apply", id: message.id, events: message.events }];
  }

  #heartbeat(message: Heartbeat): Action[] {
    for (const [id, cursor] of Object.entries(message.cursors)) {
      const subscription = this.#subscriptions.get(Number(id));
      // A heartbeat covers events that the filter left out; it must never move a cursor back or into another epoch.
      if (subscription?.answered && isLater(cursor, subscription.cursor)) subscription.cursor = cursor;
    }
    return message.trouble ? [{ kind: "trouble", sentences: message.trouble }] : [];
  }

  #error(message: ErrorMessage): Action[] {
    const { code, message: text, temporary } = message;
    const id = message.id ?? null;
    const subscription = id === null ? undefined : this.#subscriptions.get(id);
    if (id !== null) this.#isNewestAnswer(id);
    if (subscription && code === "bad_cursor" && subscription.cursor !== null) {
      subscription.cursor = null;
      return [{ kind: "send", frame: this.#requestFrame(subscription) }];
    }
    return [{ kind: "error", id, code, message: text, temporary: Boolean(temporary) }];
  }
}
