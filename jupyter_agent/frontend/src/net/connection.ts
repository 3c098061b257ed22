/** A reconnecting WebSocket that all views of a page share. */

import { Backoff } from "./backoff.js";
import { NO_OBSTACLE, type Obstacle } from "./obstacle.js";
import { PendingCommands } from "./pending_commands.js";
import { ALL_RIGHTS, type Rights, rightsOf } from "./rights.js";
import * as timing from "./timing.js";
import { Protocol, SUBPROTOCOL, shouldReconnect } from "./protocol.js";
import type { Listener, Action, SubscriptionFilter, Reply, Status, Subscription } from "./types.js";
import { browserEnvironment, type Timer, type Environment } from "./environment.js";

/** The close code after which only a new login helps. */
const LOGIN_ENDED = 4501;
const UNREACHABLE = "Not connected: the server cannot be reached.";

export class Connection {
  /** Why the connection will not be made again; null while it will. */
  stopped: string | null = null;
  /** What the server says about its health: lost or damaged files, and why it can store nothing now. */
  trouble: readonly string[] = [];
  /** Seconds to add to the browser's clock to get the server's. */
  skew = 0;
  /** The server's name for the current user; null while unknown. */
  user: string | null = null;
  /** What the user may do on the server; all, until it has said. */
  rights: Rights = ALL_RIGHTS;
  /** What is in the way of a socket, by those that were refused since the last welcome: see `obstacle.ts`. */
  obstacle: Obstacle = NO_OBSTACLE;
  /** Called when the server did not accept a socket, or has ended the login. */
  onRefused: (() => void) | null = null;
  /** Objects that live as long as this connection, by key. */
  readonly shared = new Map<string, unknown>();
  readonly #listeners = new Map<number, Listener>();
  readonly #pendingCommands = new PendingCommands();
  readonly #connectWaiters: ((connected: boolean) => void)[] = [];
  readonly #protocol = new Protocol();
  readonly #backoff = new Backoff();
  #socket: WebSocket | null = null;
  #lastId = 0;
  #heartbeat = 25;
  #lastFrame = 0;
  #minDelay = 0;
  #reconnectTimer: Timer = null;
  #watchdog: Timer = null;
  #idleTimer: Timer = null;
  #isSuspended = false;

  /** `url`: the WebSocket's address. */
  constructor(
    readonly url: string,
    readonly environment: Environment = browserEnvironment,
  ) {}

  get live(): boolean {
    return this.#protocol.welcomed;
  }

  /** Return the server's time, Unix seconds. */
  now(): number {
    return this.environment.now() + this.skew;
  }

  /** Return the status of a subscription. */
  status(id: number): Status {
    if (this.#protocol.subscriptions.get(id)?.answered) return "live";
    return this.#isUnreachable && !this.live ? "offline" : "connecting";
  }

  /** Whether the server is not expected to be reached soon. */
  get #isUnreachable(): boolean {
    return (
      this.stopped !== null ||
      this.#isSuspended ||
      this.#backoff.attempts >= timing.OFFLINE_AFTER_ATTEMPTS ||
      !this.environment.isOnline()
    );
  }

  /** Subscribe to tasks, beginning with their snapshots and their tail. Returns the subscription's id. */
  subscribe(filter: SubscriptionFilter, listener: Listener): number {
    this.environment.clearTimer(this.#idleTimer);
    const id = ++this.#lastId;
    this.#listeners.set(id, listener);
    this.#send(this.#protocol.subscribe({ ...filter, id, cursor: null, answered: false }));
    if (!this.#socket && this.#reconnectTimer === null) this.#connect();
    return id;
  }

  /** End a subscription. Without subscriptions the socket closes after `IDLE_TIMEOUT`. Idempotent. */
  unsubscribe(id: number): void {
    if (!this.#listeners.delete(id)) return;
    this.#send(this.#protocol.unsubscribe(id));
    if (this.#listeners.size === 0)
      this.#idleTimer = this.environment.setTimer(timing.IDLE_TIMEOUT, () => this.#closeIdle());
  }

  /** Send a command to a task, after the connection is made. Resolves with the server's reply, or with a refusal that
   * says why there is none. */
  command(task: string, attempt: number, command: string, args: object): Promise<Reply> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      this.#whenConnected((connected) => {
        if (!connected) return resolve({ id, ok: false, message: UNREACHABLE });
        this.#pendingCommands.add(id, resolve);
        this.#send([JSON.stringify({ type: "command", id, task, attempt, command, args })]);
      });
    });
  }

  /** Call `then` with whether the server is connected, as soon as that is known. */
  #whenConnected(then: (connected: boolean) => void): void {
    const isConnecting = this.#socket !== null || this.#reconnectTimer !== null;
    if (this.live || this.#isUnreachable || !isConnecting) then(this.live);
    else this.#connectWaiters.push(then);
  }

  #settleWaiters(connected: boolean): void {
    for (const then of this.#connectWaiters.splice(0)) then(connected);
  }

  /** Check at once whether the connection still works: the page is visible or online again. */
  check(): void {
    if (this.#listeners.size === 0 || this.stopped !== null) return;
    if (!this.#socket) this.#connect();
    else if (this.live) this.#probe();
  }

  /** Close the socket, and keep the subscriptions and their cursors until `resume`. Idempotent. */
  suspend(): void {
    this.#isSuspended = true;
    this.#closeIdle();
    for (const listener of this.#listeners.values()) listener.changed();
  }

  /** Connect again after `suspend`. Idempotent. */
  resume(): void {
    if (!this.#isSuspended) return;
    this.#isSuspended = false;
    this.check();
  }

  /** Whether a listener follows a task that has not ended. */
  get hasActiveTasks(): boolean {
    return [...this.#listeners.values()].some((listener) => listener.hasActiveTasks?.());
  }

  #connect(): void {
    if (this.stopped !== null || this.#isSuspended) return;
    this.environment.clearTimer(this.#reconnectTimer);
    this.#reconnectTimer = null;
    this.#minDelay = 0;
    const socket = this.environment.openSocket(this.url, SUBPROTOCOL);
    this.#socket = socket;
    socket.onopen = () => this.#onOpen();
    socket.onmessage = (event) => this.#onFrame(event.data as string);
    socket.onclose = (event) => this.#onClose(event.code, event.reason);
    this.#setWatchdog(timing.CONNECT_TIMEOUT, () => this.#reconnect("no answer in time"));
  }

  #onOpen(): void {
    this.#send(this.#protocol.connected());
  }

  #onFrame(frame: string): void {
    this.#lastFrame = this.environment.now();
    let actions;
    try {
      actions = this.#protocol.receive(frame);
    } catch (error) {
      this.#reconnect(`a frame that cannot be read: ${String(error)}`);
      return;
    }
    for (const action of actions) this.#perform(action);
  }

  #perform(action: Action): void {
    switch (action.kind) {
      case "send":
        return this.#send([action.frame]);
      case "welcome":
        return this.#onWelcome(action);
      case "trouble":
        return this.#onTrouble(action.sentences);
      case "answered":
        return this.#listeners.get(action.id)?.changed();
      case "restart":
        return this.#listeners.get(action.id)?.restart(action.tasks, action.more, action.cursor);
      case "apply":
        return this.#listeners.get(action.id)?.apply(action.events);
      case "reply":
        return this.#pendingCommands.settle(action.reply);
      case "error":
        return this.#onError(action);
      case "bye":
        this.#minDelay = action.delay;
        if (!action.reconnect) this.stopped = "the server has gone away";
    }
  }

  #onWelcome({ now, heartbeat, user, trouble, rights }: Extract<Action, { kind: "welcome" }>): void {
    [this.user, this.rights, this.trouble] = [user ?? null, rightsOf({ rights }), trouble];
    this.obstacle = NO_OBSTACLE;
    this.skew = now - this.environment.now();
    this.#heartbeat = heartbeat;
    this.#backoff.reset();
    this.#expectFrames();
    this.#settleWaiters(true);
  }

  #onTrouble(sentences: string[]): void {
    this.trouble = sentences;
    for (const listener of this.#listeners.values()) listener.changed();
  }

  #onError({ id, code, message, temporary }: Extract<Action, { kind: "error" }>): void {
    if (id === null) return;
    this.#pendingCommands.settle({ id, ok: false, code, message });
    const subscription = this.#protocol.subscriptions.get(id);
    if (!subscription) return;
    if (temporary) this.environment.setTimer(timing.RETRY_DELAY, () => this.#resubscribe(subscription));
    else this.#listeners.get(id)?.refused(message);
  }

  #resubscribe(subscription: Subscription): void {
    if (this.#protocol.subscriptions.has(subscription.id)) this.#send(this.#protocol.subscribe(subscription));
  }

  /** Send a request that the server must answer: any subscription again, from its cursor. */
  #probe(): void {
    const [subscription] = this.#protocol.subscriptions.values();
    if (!subscription) return;
    const sentAt = this.environment.now();
    this.#resubscribe(subscription);
    this.#setWatchdog(timing.PROBE_TIMEOUT, () => {
      if (this.#lastFrame < sentAt) this.#reconnect("silent after a check");
      else this.#expectFrames();
    });
  }

  #expectFrames(): void {
    const timeout = timing.MAX_SILENT_HEARTBEATS * this.#heartbeat;
    this.#setWatchdog(timeout, () => {
      if (this.environment.now() - this.#lastFrame >= timeout) this.#reconnect("silent for too long");
      else this.#expectFrames();
    });
  }

  /** Call `check` in this many seconds, instead of the check that was planned. */
  #setWatchdog(seconds: number, check: () => void): void {
    this.environment.clearTimer(this.#watchdog);
    this.#watchdog = this.environment.setTimer(seconds, check);
  }

  /** Abandon the socket and connect again. */
  #reconnect(why: string): void {
    const socket = this.#socket;
    // Before close(): the handlers are detached, so the socket's own close event does not count as a second loss.
    this.#onClose(1006, why);
    socket?.close();
  }

  #onClose(code: number, reason: string): void {
    const isRefused = code === LOGIN_ENDED || !this.live;
    this.#detachSocket();
    if (isRefused) this.onRefused?.();
    if (!shouldReconnect(code) && !(code === LOGIN_ENDED && this.onRefused))
      this.stopped = reason || `the server closed the connection (${code})`;
    if (this.stopped === null && this.#listeners.size > 0) {
      const delay = Math.max(this.#minDelay, this.#backoff.next(this.environment.random()));
      this.#reconnectTimer = this.environment.setTimer(delay, () => this.#connect());
    }
    if (this.#isUnreachable || this.#reconnectTimer === null) this.#settleWaiters(false);
    for (const listener of this.#listeners.values()) listener.changed();
  }

  /** Close the socket of a connection without subscriptions. */
  #closeIdle(): void {
    const socket = this.#socket;
    this.environment.clearTimer(this.#reconnectTimer);
    this.#reconnectTimer = null;
    this.#detachSocket();
    this.#settleWaiters(false);
    socket?.close();
  }

  #detachSocket(): void {
    this.environment.clearTimer(this.#watchdog);
    if (this.#socket) this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket = null;
    this.#protocol.disconnected();
    this.#pendingCommands.lose();
  }

  #send(frames: string[]): void {
    for (const frame of frames) this.#socket?.send(frame);
  }
}
