/** The clock, the dice, the network: what a test replaces. */

export type Timer = unknown;

/** Times are in seconds. */
export interface World {
  socket(url: string, protocol: string): WebSocket;
  now(): number;
  random(): number;
  later(seconds: number, call: () => void): Timer;
  cancel(timer: Timer): void;
  online(): boolean;
}

export const BROWSER: World = {
  socket: (url, protocol) => new WebSocket(url, protocol),
  now: () => Date.now() / 1000,
  random: Math.random,
  later: (seconds, call) => setTimeout(call, seconds * 1000),
  cancel: (timer) => clearTimeout(timer as number),
  online: () => navigator.onLine,
};
