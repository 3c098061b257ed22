// @ts-check
/**
 * One subscriber's side of `v1.events.jupyter-agent`, without a socket or a clock.
 *
 * @typedef {{type: string, message: string, traceback?: string}} TaskError
 * @typedef {{prompt_id: string, text: string, choices: string[] | null}} Prompt
 * @typedef {{done: number | null, total: number | null, message: string | null}} Progress
 * @typedef {{id: string, name: string, key: string | null, tags: string[], state: string, attempt: number,
 *   owner: string | null, kernel: string | null, notebook: string | null, cell: string | null,
 *   run: string | null, view: string | null,
 *   producer: string | null, created: number | null, queued: number | null, started: number | null,
 *   ended: number | null, updated: number | null, progress: Progress | null,
 *   metrics: Record<string, {value: number | null, step: number | null}>, error: TaskError | null,
 *   result: {repr: string, stored: boolean} | null, prompt: Prompt | null, cancel_requested: boolean,
 *   stalled_since: number | null, logs: number, events: number, cursor: string | null}} Snapshot
 * @typedef {{offset: number, task: string, attempt: number, producer: string, n: number, time: number,
 *   type: string, data: any, flag?: string}} TaskEvent
 * @typedef {{id: number, tasks: string[], cursor: string | null, tail: number, answered: boolean}} Subscription
 * @typedef {{id: number, ok: boolean, code?: string, message?: string}} Reply
 * @typedef {{kind: "send", frame: string}
 *   | {kind: "welcome", now: number, heartbeat: number}
 *   | {kind: "answered", id: number}
 *   | {kind: "restart", id: number, tasks: Snapshot[]}
 *   | {kind: "apply", id: number, events: TaskEvent[]}
 *   | {kind: "reply", reply: Reply}
 *   | {kind: "error", id: number | null, code: string, message: string, temporary: boolean}
 *   | {kind: "bye", reconnect: boolean, delay: number}} Action
 * @typedef {"live" | "connecting" | "offline"} Status
 */

export const SUBPROTOCOL = "v1.events.jupyter-agent";
export const VERSION = 1;
const CLIENT = "jupyter_agent.widgets/1";

/** Whether a client closed with this code should come back (1006: no close frame came).
 * @param {number} code */
export function comeBack(code) {
  return !((code >= 4500 && code <= 4999) || code === 1009);
}

/** Delays in seconds with full jitter: uniform between 0 and a ceiling that doubles each time. */
export class Backoff {
  attempts = 0;

  constructor(first = 0.25, most = 15) {
    this.first = first;
    this.most = most;
  }

  /** @param {number} random uniform in [0, 1) */
  next(random) {
    const ceiling = Math.min(this.most, this.first * 2 ** Math.min(this.attempts, 32));
    this.attempts += 1;
    return ceiling * random;
  }

  reset() {
    this.attempts = 0;
  }
}

/** A subscriber's side over any number of sockets: it remembers its cursors between them. */
export class Protocol {
  welcomed = false;
  /** @type {Map<number, Subscription>} */
  subscriptions = new Map();
  /** How many requests of a subscription wait for their answer. @type {Map<number, number>} */
  #asked = new Map();

  /** A new socket is up: say hello. The rest follows the welcome.
   * @returns {string[]} frames to send */
  connected() {
    this.disconnected();
    return [JSON.stringify({ type: "hello", versions: [VERSION], role: "subscriber", client: CLIENT })];
  }

  /** The socket is gone. */
  disconnected() {
    this.welcomed = false;
    this.#asked.clear();
    for (const subscription of this.subscriptions.values()) subscription.answered = false;
  }

  /** Add or repeat an interest.
   * @param {Subscription} subscription
   * @returns {string[]} frames to send: none before the welcome */
  subscribe(subscription) {
    this.subscriptions.set(subscription.id, subscription);
    subscription.answered = false;
    return this.welcomed ? [this.#ask(subscription)] : [];
  }

  /** Drop an interest; frames still under way for it are ignored.
   * @param {number} id
   * @returns {string[]} frames to send */
  unsubscribe(id) {
    const known = this.subscriptions.delete(id);
    return known && this.welcomed ? [JSON.stringify({ type: "unsubscribe", id })] : [];
  }

  /** Take one frame; throws when the server does not speak this protocol.
   * @param {string} frame
   * @returns {Action[]} what to do now, in order */
  receive(frame) {
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

  /** @returns {Action[]} */
  #welcome(/** @type {any} */ message) {
    this.welcomed = true;
    /** @type {Action[]} */
    const actions = [{ kind: "welcome", now: message.now, heartbeat: message.heartbeat }];
    for (const subscription of this.subscriptions.values()) {
      actions.push({ kind: "send", frame: this.#ask(subscription) });
    }
    return actions;
  }

  /** @param {Subscription} subscription @returns {string} the frame that asks for it */
  #ask(subscription) {
    this.#asked.set(subscription.id, (this.#asked.get(subscription.id) ?? 0) + 1);
    return request(subscription);
  }

  /** Note an answer. @param {number} id
   * @returns {boolean} whether it is the one to the newest request, and not to a replaced one */
  #answered(id) {
    const waiting = (this.#asked.get(id) ?? 0) - 1;
    if (waiting > 0) this.#asked.set(id, waiting);
    else this.#asked.delete(id);
    return waiting === 0;
  }

  /** @returns {Action[]} */
  #subscribed(/** @type {any} */ message) {
    const subscription = this.subscriptions.get(message.id);
    if (!this.#answered(message.id) || !subscription) return [];
    subscription.cursor = message.cursor;
    subscription.answered = true;
    /** @type {Action} */
    const answered = { kind: "answered", id: message.id };
    if (message.recovered) return [answered];
    return [answered, { kind: "restart", id: message.id, tasks: message.tasks ?? [] }];
  }

  /** @returns {Action[]} */
  #events(/** @type {any} */ message) {
    const subscription = this.subscriptions.get(message.id);
    if (!subscription?.answered) return [];
    if (message.prev !== subscription.cursor) {
      subscription.answered = false;
      return [{ kind: "send", frame: this.#ask(subscription) }];
    }
    subscription.cursor = message.cursor;
    return [{ kind: "apply", id: message.id, events: message.events }];
  }

  /** @returns {Action[]} */
  #heartbeat(/** @type {any} */ message) {
    for (const [id, cursor] of Object.entries(message.cursors)) {
      const subscription = this.subscriptions.get(Number(id));
      if (subscription?.answered && isLater(cursor, subscription.cursor)) subscription.cursor = cursor;
    }
    return [];
  }

  /** @returns {Action[]} */
  #error(/** @type {any} */ message) {
    const id = message.id ?? null;
    if (id !== null) this.#answered(id);
    const subscription = this.subscriptions.get(id);
    if (subscription && message.code === "bad_cursor" && subscription.cursor !== null) {
      subscription.cursor = null;
      return [{ kind: "send", frame: this.#ask(subscription) }];
    }
    const { code, message: text, temporary } = message;
    return [{ kind: "error", id, code, message: text, temporary: Boolean(temporary) }];
  }
}

/** @param {Subscription} subscription */
function request({ id, tasks, cursor, tail }) {
  return JSON.stringify({ type: "subscribe", id, tasks, after: cursor, tail });
}

/** The offset in a cursor, `"<epoch>:<offset>"`; -1 for none.
 * @param {string | null | undefined} cursor */
export function offsetOf(cursor) {
  return cursor ? Number(cursor.slice(cursor.lastIndexOf(":") + 1)) : -1;
}

/** @param {string} cursor @param {string | null} than */
function isLater(cursor, than) {
  if (than === null) return true;
  const [epoch, other] = [cursor, than].map((text) => text.slice(0, text.lastIndexOf(":")));
  return epoch === other && offsetOf(cursor) > offsetOf(than);
}
