// @ts-check
/**
 * The page's one WebSocket: it reconnects, notices silence, and sends nothing out of turn.
 *
 * @import {Action, Reply, Snapshot, Status, Subscription, TaskEvent} from "./protocol.js"
 * @import {Feed} from "./feed.js"
 */

import { Backoff, Protocol, SUBPROTOCOL, VERSION, comeBack } from "./protocol.js";

const CONNECT_TIMEOUT = 20;
const PROBE_TIMEOUT = 5;
const SILENT_BEATS = 3;
const OFFLINE_AFTER = 4;
const LINGER = 5;
const PAUSE_AFTER_ERROR = 1;

/**
 * @typedef {{restart(tasks: Snapshot[]): void, apply(events: TaskEvent[]): void, changed(): void,
 *   refused(message: string): void}} Listener
 * @typedef {{socket(url: string, protocol: string): WebSocket, now(): number, random(): number,
 *   later(seconds: number, call: () => void): any, cancel(timer: any): void, online(): boolean}} World
 */

/** The real world. Times are in seconds. @type {World} */
const BROWSER = {
  socket: (url, protocol) => new WebSocket(url, protocol),
  now: () => Date.now() / 1000,
  random: Math.random,
  later: (seconds, call) => setTimeout(call, seconds * 1000),
  cancel: (timer) => clearTimeout(timer),
  online: () => navigator.onLine,
};

/** The page's one WebSocket to a server, for all views on the page. */
export class Connection {
  /** Why it will not come back; null while it will. @type {string | null} */
  stopped = null;
  /** Seconds to add to the browser's clock to get the server's. */
  skew = 0;
  /** @type {Map<string, Feed>} */
  feeds = new Map();
  /** @type {Map<number, Listener>} */
  #listeners = new Map();
  /** @type {Map<number, (reply: Reply) => void>} */
  #waiting = new Map();
  /** @type {WebSocket | null} */
  #socket = null;
  #protocol = new Protocol();
  #backoff = new Backoff();
  #ids = 0;
  #heartbeat = 25;
  #lastFrame = 0;
  #delay = 0;
  #open = false;
  /** @type {any} */ #retry = null;
  /** @type {any} */ #watch = null;
  /** @type {any} */ #idle = null;

  /** @param {string} url the WebSocket address, token included @param {World} world */
  constructor(url, world = BROWSER) {
    this.url = url;
    this.world = world;
  }

  get live() {
    return this.#protocol.welcomed;
  }

  /** The server's time, Unix seconds. */
  now() {
    return this.world.now() + this.skew;
  }

  /** How a subscription is doing. @param {number} id @returns {Status} */
  status(id) {
    if (this.#protocol.subscriptions.get(id)?.answered) return "live";
    const lost = this.stopped !== null || this.#backoff.attempts >= OFFLINE_AFTER || !this.world.online();
    return lost && !this.live ? "offline" : "connecting";
  }

  /** Follow one task from its snapshot and its last *tail* lines on.
   * @param {string} task @param {number} tail @param {Listener} listener @returns {number} its id */
  follow(task, tail, listener) {
    this.world.cancel(this.#idle);
    const id = ++this.#ids;
    this.#listeners.set(id, listener);
    this.#send(this.#protocol.subscribe({ id, tasks: [task], cursor: null, tail, answered: false }));
    if (!this.#socket && this.#retry === null) this.#connect();
    return id;
  }

  /** Stop following; without followers the socket closes after a moment. @param {number} id */
  leave(id) {
    this.#listeners.delete(id);
    this.#send(this.#protocol.unsubscribe(id));
    if (this.#listeners.size === 0) this.#idle = this.world.later(LINGER, () => this.#rest());
  }

  /** Ask for something; resolves with the server's reply, or with one that says why there is none.
   * @param {string} task @param {number} attempt @param {string} command @param {object} args
   * @returns {Promise<Reply>} */
  command(task, attempt, command, args) {
    const id = ++this.#ids;
    if (!this.live) return Promise.resolve({ id, ok: false, message: "Not connected to the server." });
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#send([JSON.stringify({ type: "command", id, task, attempt, command, args })]);
    });
  }

  /** The page is visible or online again: find out now whether the connection still works. */
  check() {
    if (this.#listeners.size === 0 || this.stopped !== null) return;
    if (!this.#socket) this.#connect();
    else if (this.live) this.#probe();
  }

  #connect() {
    if (this.stopped !== null) return;
    this.world.cancel(this.#retry);
    this.#retry = null;
    this.#delay = 0;
    const socket = this.world.socket(this.url, SUBPROTOCOL);
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = (event) => this.#received(event.data);
    socket.onclose = (event) => this.#closed(event.code, event.reason);
    this.#expect(CONNECT_TIMEOUT, () => this.#drop("no answer in time"));
  }

  #opened() {
    this.#open = true;
    this.#send(this.#protocol.connected());
  }

  /** @param {string} frame */
  #received(frame) {
    this.#lastFrame = this.world.now();
    let actions;
    try {
      actions = this.#protocol.receive(frame);
    } catch (error) {
      this.#drop(`a frame that cannot be read: ${error}`);
      return;
    }
    for (const action of actions) this.#carryOut(action);
  }

  /** @param {Action} action */
  #carryOut(action) {
    switch (action.kind) {
      case "send":
        this.#send([action.frame]);
        break;
      case "welcome":
        this.#welcomed(action);
        break;
      case "answered":
        this.#listeners.get(action.id)?.changed();
        break;
      case "restart":
        this.#listeners.get(action.id)?.restart(action.tasks);
        break;
      case "apply":
        this.#listeners.get(action.id)?.apply(action.events);
        break;
      case "reply":
        this.#reply(action.reply);
        break;
      case "error":
        this.#error(action);
        break;
      case "bye":
        this.#delay = action.delay;
        if (!action.reconnect) this.stopped = "the server has gone away";
        break;
    }
  }

  /** @param {{now: number, heartbeat: number}} welcome */
  #welcomed({ now, heartbeat }) {
    this.skew = now - this.world.now();
    this.#heartbeat = heartbeat;
    this.#backoff.reset();
    this.#expectFrames();
  }

  /** @param {Reply} reply */
  #reply(reply) {
    this.#waiting.get(reply.id)?.(reply);
    this.#waiting.delete(reply.id);
  }

  /** @param {{id: number | null, code: string, message: string, temporary: boolean}} error */
  #error({ id, code, message, temporary }) {
    if (id === null) return;
    if (this.#waiting.has(id)) this.#reply({ id, ok: false, code, message });
    const subscription = this.#protocol.subscriptions.get(id);
    if (!subscription) return;
    if (temporary) this.world.later(PAUSE_AFTER_ERROR, () => this.#repeat(subscription));
    else this.#listeners.get(id)?.refused(message);
  }

  /** @param {Subscription} subscription */
  #repeat(subscription) {
    if (this.#protocol.subscriptions.has(subscription.id)) this.#send(this.#protocol.subscribe(subscription));
  }

  /** A request that the server must answer: any subscription again, from where it is. */
  #probe() {
    const [subscription] = this.#protocol.subscriptions.values();
    const asked = this.world.now();
    this.#repeat(subscription);
    this.#expect(PROBE_TIMEOUT, () => {
      if (this.#lastFrame < asked) this.#drop("silent after a check");
      else this.#expectFrames();
    });
  }

  #expectFrames() {
    const patience = SILENT_BEATS * this.#heartbeat;
    this.#expect(patience, () => {
      if (this.world.now() - this.#lastFrame >= patience) this.#drop("silent for too long");
      else this.#expectFrames();
    });
  }

  /** Look again in that many seconds; one look is planned at a time.
   * @param {number} seconds @param {() => void} look */
  #expect(seconds, look) {
    this.world.cancel(this.#watch);
    this.#watch = this.world.later(seconds, look);
  }

  /** Give the socket up and come back. @param {string} why */
  #drop(why) {
    const socket = this.#socket;
    this.#closed(1006, why);
    socket?.close();
  }

  /** @param {number} code @param {string} reason */
  #closed(code, reason) {
    this.#forget();
    if (!comeBack(code)) this.stopped = reason || `the server closed the connection (${code})`;
    if (this.stopped === null && this.#listeners.size > 0) {
      const delay = Math.max(this.#delay, this.#backoff.next(this.world.random()));
      this.#retry = this.world.later(delay, () => this.#connect());
    }
    for (const listener of this.#listeners.values()) listener.changed();
  }

  /** Nobody looks any more: close. */
  #rest() {
    const socket = this.#socket;
    this.world.cancel(this.#retry);
    this.#retry = null;
    this.#forget();
    socket?.close();
  }

  #forget() {
    this.world.cancel(this.#watch);
    if (this.#socket) this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket = null;
    this.#open = false;
    this.#protocol.disconnected();
    const lost = "The connection was lost before the server answered.";
    for (const [id, answer] of this.#waiting) answer({ id, ok: false, message: lost });
    this.#waiting.clear();
  }

  /** @param {string[]} frames */
  #send(frames) {
    if (this.#socket && this.#open) for (const frame of frames) this.#socket.send(frame);
  }
}

/** The page's connection to a server, made when first asked for. Every copy of this module on the
 * page (each widget has one) finds the same.
 * @param {string} url @returns {Connection} */
export function sharedConnection(url) {
  const registry = Symbol.for(`jupyter_agent.connections.v${VERSION}`);
  const page = /** @type {any} */ (window);
  /** @type {Map<string, Connection>} */
  const connections = (page[registry] ??= new Map());
  let connection = connections.get(url);
  if (!connection || connection.stopped !== null) {
    const made = (connection = new Connection(url));
    connections.set(url, made);
    const check = () => document.visibilityState === "visible" && made.check();
    document.addEventListener("visibilitychange", check);
    window.addEventListener("online", check);
  }
  return connection;
}

/** The WebSocket address of this page's Jupyter server; null where the page does not say.
 * @param {Document} page */
export function serverAddress(page) {
  const node = page.getElementById("jupyter-config-data");
  if (!node?.textContent) return null;
  const { wsUrl, baseUrl, token } = JSON.parse(node.textContent);
  const url = new URL("jupyter-agent/ws", new URL(withSlash(wsUrl || baseUrl || "/"), page.baseURI));
  url.protocol = url.protocol.replace(/^http/, "ws");
  // The page's own cookie opens its own host; a token there would only end up in logs.
  if (token && url.host !== new URL(page.baseURI).host) url.searchParams.set("token", token);
  return url.href;
}

/** @param {string} path */
function withSlash(path) {
  return path.endsWith("/") ? path : `${path}/`;
}
