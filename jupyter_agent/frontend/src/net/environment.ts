/** The environment (clock, randomness, timers, WebSocket), injected so that tests can fake it. */

export type Timer = unknown;

/** Times are in seconds. */
export interface Environment {
  openSocket(url: string, protocol: string): WebSocket;
  now(): number;
  random(): number;
  setTimer(seconds: number, call: () => void): Timer;
  clearTimer(timer: Timer): void;
  isOnline(): boolean;
}

export const browserEnvironment: Environment = {
  openSocket: (url, protocol) => new WebSocket(url, protocol),
  now: () => Date.now() / 1000,
  random: Math.random,
  setTimer: (seconds, call) => setTimeout(call, seconds * 1000),
  clearTimer: (timer) => clearTimeout(timer as number),
  isOnline: () => navigator.onLine,
};
