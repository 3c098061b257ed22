/** A scripted server: sends what a test has it send, with a clock that the test moves. */

import { Login } from "../../src/net/login.js";
import { Connection } from "../../src/net/connection.js";
import type { Server } from "../../src/net/server.js";
import type { Snapshot, TaskEvent } from "../../src/net/types.js";
import type { Timer, Environment } from "../../src/net/environment.js";
import { emptyTask } from "../../src/model/reducer.js";

const WELCOME = {
  type: "welcome",
  version: 1,
  connection: "c",
  user: "u",
  cursor: "e:0",
  heartbeat: 25,
  limits: {},
};

class Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  closed = false;
  readonly sent: any[] = [];

  send(frame: string): void {
    this.sent.push(JSON.parse(frame));
  }

  close(): void {
    this.closed = true;
  }
}

/** The server of one page, and its environment. `answers`: HTTP responses by method and path. */
export class ScriptedServer implements Environment {
  readonly sockets: Socket[] = [];
  /** The HTTP requests, in order. */
  readonly requests: string[] = [];
  readonly answers = new Map<string, () => Response | Promise<Response>>();
  readonly connection: Connection;
  readonly server: Server;
  time = 1000;
  #cursor = "e:0";
  #timers: { at: number; call: () => void }[] = [];

  constructor() {
    this.connection = new Connection("ws://here/jupyter-agent/ws", this);
    this.server = {
      base: "http://here/",
      wsUrl: this.connection.url,
      login: new Login("/"),
      fetch: (path, init) => this.#answer(path, init),
    };
  }

  openSocket(): WebSocket {
    const made = new Socket();
    this.sockets.push(made);
    return made as unknown as WebSocket;
  }

  now = () => this.time;
  random = () => 0.5;
  isOnline = () => true;

  setTimer(seconds: number, call: () => void): Timer {
    const timer = { at: this.time + seconds, call };
    this.#timers.push(timer);
    return timer;
  }

  clearTimer(timer: Timer): void {
    this.#timers = this.#timers.filter((one) => one !== timer);
  }

  /** Advance the clock and fire the timers that are due. */
  advance(seconds: number): void {
    const until = this.time + seconds;
    for (;;) {
      const [next] = this.#timers.filter((one) => one.at <= until).sort((one, other) => one.at - other.at);
      if (!next) break;
      this.clearTimer(next);
      this.time = next.at;
      next.call();
    }
    this.time = until;
  }

  /** The newest socket. */
  get current(): Socket {
    return this.sockets.at(-1)!;
  }

  /** Open the page's socket and welcome it; return its subscribe messages. */
  welcome(): any[] {
    this.current.onopen!();
    this.send({ ...WELCOME, now: this.time });
    return this.current.sent.filter((frame) => frame.type === "subscribe");
  }

  /** Answer the newest subscribe message with these snapshots. */
  answerSnapshots(
    tasks: Snapshot[],
    { cursor = "e:0", more = false }: { cursor?: string; more?: boolean } = {},
  ): void {
    this.#cursor = cursor;
    this.send({ type: "subscribed", id: this.#lastSubscribe.id, recovered: false, cursor, tasks, more });
  }

  /** Answer the newest subscribe message: recovered, the events follow its cursor. */
  answerRecovered(): void {
    this.#cursor = this.#lastSubscribe.after;
    this.send({ type: "subscribed", id: this.#lastSubscribe.id, recovered: true, cursor: this.#cursor });
  }

  /** Send events, after those sent before. */
  sendEvents(...events: TaskEvent[]): void {
    const prev = this.#cursor;
    this.#cursor = `e:${events.at(-1)!.offset}`;
    this.send({ type: "events", id: this.#lastSubscribe.id, prev, cursor: this.#cursor, events });
  }

  send(message: object): void {
    this.current.onmessage!({ data: JSON.stringify(message) });
  }

  /** Break the connection. */
  disconnect(): void {
    this.current.onclose!({ code: 1006, reason: "" });
  }

  /** Break the connection, and welcome the page's next one. */
  reconnect(): void {
    this.disconnect();
    this.advance(20);
    this.welcome();
  }

  get #lastSubscribe(): any {
    return this.current.sent.findLast((frame) => frame.type === "subscribe");
  }

  async #answer(path: string, init: RequestInit = {}): Promise<Response> {
    const name = `${init.method ?? "GET"} ${path}`;
    this.requests.push(name);
    return this.answers.get(name)?.() ?? json({ detail: `there is no ${path}` }, 404);
  }
}

export function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
}

/** Return the snapshot of a task, running unless `fields` has another state. */
export function snapshot(id: string, fields: Partial<Snapshot> = {}): Snapshot {
  const times = { created: 900, queued: 900, started: 900, updated: 900 };
  return {
    ...emptyTask(id),
    name: `task ${id}`,
    state: "running",
    producer: "p",
    events: 2,
    cursor: "e:0",
    ...times,
    ...fields,
  };
}

export function event(
  offset: number,
  task: string,
  type: string,
  data: object,
  fields: Partial<TaskEvent> = {},
): TaskEvent {
  return {
    offset,
    task,
    attempt: 1,
    producer: "p",
    n: offset,
    time: 1000,
    type,
    data,
    ...fields,
  } as TaskEvent;
}

/** The first event of a task. */
export function queued(offset: number, task: string, fields: Partial<TaskEvent> = {}): TaskEvent {
  return event(offset, task, "state", { state: "queued", about: { name: `task ${task}` } }, fields);
}

export function state(offset: number, task: string, to: string, fields: Partial<TaskEvent> = {}): TaskEvent {
  return event(offset, task, "state", { state: to }, fields);
}

/** Let every pending promise settle. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
