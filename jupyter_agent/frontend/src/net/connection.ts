/** The page's one WebSocket: it reconnects, notices silence, and sends nothing out of turn. */

import { Backoff } from "./backoff.js";
import { Protocol, SUBPROTOCOL, comeBack } from "./protocol.js";
import type { Action, Interest, Reply, Snapshot, Status, Subscription, TaskEvent } from "./types.js";
import { BROWSER, type Timer, type World } from "./environment.js";

const CONNECT_TIMEOUT = 20;
const PROBE_TIMEOUT = 5;
const SILENT_BEATS = 3;
const OFFLINE_AFTER = 4;
const LINGER = 5;
const PAUSE_AFTER_ERROR = 1;
const UNREACHED = "Not connected: the server cannot be reached.";

/** What a subscription tells. `restart`: everything known is void, these are the tasks now. */
export interface Listener {
  restart(tasks: Snapshot[], more: boolean, cursor: string): void;
  apply(events: TaskEvent[]): void;
  /** The status may be another. */
  changed(): void;
  refused(message: string): void;
}

export class Connection {
  /** Why it will not come back; null while it will. */
  stopped: string | null = null;
  /** Seconds to add to the browser's clock to get the server's. */
  skew = 0;
  /** What the server calls who is here; null while that is not known. */
  user: string | null = null;
  /** What else lives as long as this connection, by name. */
  readonly shared = new Map<string, unknown>();
  readonly #listeners = new Map<number, Listener>();
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  readonly #arrivals: ((reached: boolean) => void)[] = [];
  readonly #protocol = new Protocol();
  readonly #backoff = new Backoff();
  #socket: WebSocket | null = null;
  #ids = 0;
  #heartbeat = 25;
  #lastFrame = 0;
  #delay = 0;
  #retry: Timer = null;
  #watch: Timer = null;
  #idle: Timer = null;

  /** `url`: the WebSocket's address. */
  constructor(
    readonly url: string,
    readonly world: World = BROWSER,
  ) {}

  get live(): boolean {
    return this.#protocol.welcomed;
  }

  /** The server's time, Unix seconds. */
  now(): number {
    return this.world.now() + this.skew;
  }

  /** How a subscription is doing. */
  status(id: number): Status {
    if (this.#protocol.subscriptions.get(id)?.answered) return "live";
    return this.#lost && !this.live ? "offline" : "connecting";
  }

  /** Whether nothing says that the server will be reached soon. */
  get #lost(): boolean {
    return this.stopped !== null || this.#backoff.attempts >= OFFLINE_AFTER || !this.world.online();
  }

  /** Follow some tasks, from their snapshots and their tail on. Returns the subscription's id. */
  follow(interest: Interest, listener: Listener): number {
    this.world.cancel(this.#idle);
    const id = ++this.#ids;
    this.#listeners.set(id, listener);
    this.#send(this.#protocol.subscribe({ ...interest, id, cursor: null, answered: false }));
    if (!this.#socket && this.#retry === null) this.#connect();
    return id;
  }

  /** Stop following; without followers the socket closes after a moment. */
  leave(id: number): void {
    if (!this.#listeners.delete(id)) return;
    this.#send(this.#protocol.unsubscribe(id));
    if (this.#listeners.size === 0) this.#idle = this.world.later(LINGER, () => this.#rest());
  }

  /** Ask a task for something, once the connection that is being made is there; resolves with the server's
   * reply, or with one that says why there is none. */
  command(task: string, attempt: number, command: string, args: object): Promise<Reply> {
    const id = ++this.#ids;
    return new Promise((resolve) => {
      this.#whenReached((reached) => {
        if (!reached) return resolve({ id, ok: false, message: UNREACHED });
        this.#waiting.set(id, resolve);
        this.#send([JSON.stringify({ type: "command", id, task, attempt, command, args })]);
      });
    });
  }

  /** Call `then` with whether the server is reached, as soon as that is known. */
  #whenReached(then: (reached: boolean) => void): void {
    const comes = this.#socket !== null || this.#retry !== null;
    if (this.live || this.#lost || !comes) then(this.live);
    else this.#arrivals.push(then);
  }

  #arrived(reached: boolean): void {
    for (const then of this.#arrivals.splice(0)) then(reached);
  }

  /** The page is visible or online again: find out now whether the connection still works. */
  check(): void {
    if (this.#listeners.size === 0 || this.stopped !== null) return;
    if (!this.#socket) this.#connect();
    else if (this.live) this.#probe();
  }

  #connect(): void {
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

  #opened(): void {
    this.#send(this.#protocol.connected());
  }

  #received(frame: string): void {
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

  #carryOut(action: Action): void {
    switch (action.kind) {
      case "send":
        return this.#send([action.frame]);
      case "welcome":
        return this.#welcomed(action);
      case "answered":
        return this.#listeners.get(action.id)?.changed();
      case "restart":
        return this.#listeners.get(action.id)?.restart(action.tasks, action.more, action.cursor);
      case "apply":
        return this.#listeners.get(action.id)?.apply(action.events);
      case "reply":
        return this.#reply(action.reply);
      case "error":
        return this.#error(action);
      case "bye":
        this.#delay = action.delay;
        if (!action.reconnect) this.stopped = "the server has gone away";
    }
  }

  #welcomed({ now, heartbeat, user = null }: { now: number; heartbeat: number; user?: string | null }): void {
    this.user = user;
    this.skew = now - this.world.now();
    this.#heartbeat = heartbeat;
    this.#backoff.reset();
    this.#expectFrames();
    this.#arrived(true);
  }

  #reply(reply: Reply): void {
    this.#waiting.get(reply.id)?.(reply);
    this.#waiting.delete(reply.id);
  }

  #error({ id, code, message, temporary }: Extract<Action, { kind: "error" }>): void {
    if (id === null) return;
    if (this.#waiting.has(id)) this.#reply({ id, ok: false, code, message });
    const subscription = this.#protocol.subscriptions.get(id);
    if (!subscription) return;
    if (temporary) this.world.later(PAUSE_AFTER_ERROR, () => this.#repeat(subscription));
    else this.#listeners.get(id)?.refused(message);
  }

  #repeat(subscription: Subscription): void {
    if (this.#protocol.subscriptions.has(subscription.id)) this.#send(this.#protocol.subscribe(subscription));
  }

  /** A request that the server must answer: any subscription again, from where it is. */
  #probe(): void {
    const [subscription] = this.#protocol.subscriptions.values();
    if (!subscription) return;
    const asked = this.world.now();
    this.#repeat(subscription);
    this.#expect(PROBE_TIMEOUT, () => {
      if (this.#lastFrame < asked) this.#drop("silent after a check");
      else this.#expectFrames();
    });
  }

  #expectFrames(): void {
    const patience = SILENT_BEATS * this.#heartbeat;
    this.#expect(patience, () => {
      if (this.world.now() - this.#lastFrame >= patience) this.#drop("silent for too long");
      else this.#expectFrames();
    });
  }

  /** Look again in that many seconds; one look is planned at a time. */
  #expect(seconds: number, look: () => void): void {
    this.world.cancel(this.#watch);
    this.#watch = this.world.later(seconds, look);
  }

  /** Give the socket up and come back. */
  #drop(why: string): void {
    const socket = this.#socket;
    this.#closed(1006, why);
    socket?.close();
  }

  #closed(code: number, reason: string): void {
    this.#forget();
    if (!comeBack(code)) this.stopped = reason || `the server closed the connection (${code})`;
    if (this.stopped === null && this.#listeners.size > 0) {
      const delay = Math.max(this.#delay, this.#backoff.next(this.world.random()));
      this.#retry = this.world.later(delay, () => this.#connect());
    }
    if (this.#lost || this.#retry === null) this.#arrived(false);
    for (const listener of this.#listeners.values()) listener.changed();
  }

  /** Nobody looks any more: close. */
  #rest(): void {
    const socket = this.#socket;
    this.world.cancel(this.#retry);
    this.#retry = null;
    this.#forget();
    this.#arrived(false);
    socket?.close();
  }

  #forget(): void {
    this.world.cancel(this.#watch);
    if (this.#socket) this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket = null;
    this.#protocol.disconnected();
    const lost = "The connection was lost before the server answered.";
    for (const [id, answer] of this.#waiting) answer({ id, ok: false, message: lost });
    this.#waiting.clear();
  }

  #send(frames: string[]): void {
    for (const frame of frames) this.#socket?.send(frame);
  }
}
