/** A server that says only what a test tells it to, and a world whose clock a test moves. */

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

/** One page's server: `open` greets the page, `tell` sends events, `answers` are its HTTP answers by path. */
export class Scripted implements Environment {
  readonly sockets: Socket[] = [];
  /** What was asked by HTTP, in order. */
  readonly asked: string[] = [];
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

  /** Let time go by. */
  pass(seconds: number): void {
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

  /** Accept the page's socket and greet it; what it subscribes to then. */
  open(): any[] {
    this.current.onopen!();
    this.send({ ...WELCOME, now: this.time });
    return this.current.sent.filter((frame) => frame.type === "subscribe");
  }

  /** Answer the newest request for a subscription with these snapshots. */
  start(tasks: Snapshot[], { cursor = "e:0", more = false }: { cursor?: string; more?: boolean } = {}): void {
    this.#cursor = cursor;
    this.send({ type: "subscribed", id: this.#asks.id, recovered: false, cursor, tasks, more });
  }

  /** Answer the newest request for a subscription: go on where you are. */
  goOn(): void {
    this.#cursor = this.#asks.after;
    this.send({ type: "subscribed", id: this.#asks.id, recovered: true, cursor: this.#cursor });
  }

  /** Send events, in order after what was sent before. */
  tell(...events: TaskEvent[]): void {
    const prev = this.#cursor;
    this.#cursor = `e:${events.at(-1)!.offset}`;
    this.send({ type: "events", id: this.#asks.id, prev, cursor: this.#cursor, events });
  }

  send(message: object): void {
    this.current.onmessage!({ data: JSON.stringify(message) });
  }

  /** The connection breaks. */
  cut(): void {
    this.current.onclose!({ code: 1006, reason: "" });
  }

  /** The connection breaks, and the page is back. */
  comeBack(): void {
    this.cut();
    this.pass(20);
    this.open();
  }

  get #asks(): any {
    return this.current.sent.findLast((frame) => frame.type === "subscribe");
  }

  async #answer(path: string, init: RequestInit = {}): Promise<Response> {
    const name = `${init.method ?? "GET"} ${path}`;
    this.asked.push(name);
    return this.answers.get(name)?.() ?? json({ detail: `there is no ${path}` }, 404);
  }
}

export function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
}

/** A running task, unless `fields` say otherwise. */
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

/** Let everything that waits for an answer go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
