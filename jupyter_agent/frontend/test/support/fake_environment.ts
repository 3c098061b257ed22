/** A fake environment: sockets that a test opens, and a clock that it moves. */

import { Connection } from "../../src/net/connection.js";
import type { Environment } from "../../src/net/environment.js";

export class FakeSocket {
  sent: any[] = [];
  open = false;
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;

  send(frame: string): void {
    if (!this.open) throw new Error("sent while the socket was not open");
    this.sent.push(JSON.parse(frame));
  }

  close(): void {
    this.closed = true;
    this.open = false;
  }
}

export class FakeEnvironment implements Environment {
  time = 0;
  networkUp = true;
  sockets: FakeSocket[] = [];
  timers: { seconds: number; call: () => void }[] = [];

  openSocket(): WebSocket {
    const socket = new FakeSocket();
    this.sockets.push(socket);
    return socket as unknown as WebSocket;
  }
  now = () => this.time;
  random = () => 0.999;
  setTimer = (seconds: number, call: () => void) => {
    const timer = { seconds, call };
    this.timers.push(timer);
    return timer;
  };
  clearTimer = (timer: unknown) => {
    this.timers = this.timers.filter((one) => one !== timer);
  };
  isOnline = () => this.networkUp;

  get last(): FakeSocket {
    return this.sockets.at(-1)!;
  }

  openLast(): void {
    this.last.open = true;
    this.last.onopen?.();
  }

  receive(message: object): void {
    this.last.onmessage?.({ data: JSON.stringify(message) });
  }

  welcome(heartbeat = 25): void {
    this.openLast();
    this.receive({ type: "welcome", now: this.time, heartbeat });
  }

  closeLast(code: number): void {
    const socket = this.last;
    socket.open = false;
    socket.onclose?.({ code, reason: "" });
  }

  /** Fire the first timer of this many seconds, or the first of all; return its seconds. */
  fireTimer(seconds?: number): number {
    const timer = this.timers.find((one) => seconds === undefined || one.seconds === seconds);
    if (!timer) throw new Error(`no timer of ${seconds} s`);
    this.clearTimer(timer);
    timer.call();
    return timer.seconds;
  }

  sentTypes(socket = this.last): string[] {
    return socket.sent.map((one) => one.type);
  }
}

export function connected(): { environment: FakeEnvironment; connection: Connection } {
  const environment = new FakeEnvironment();
  return { environment, connection: new Connection("ws://nowhere", environment) };
}

export const ignoreAll = { restart() {}, apply() {}, changed() {}, refused() {} };
