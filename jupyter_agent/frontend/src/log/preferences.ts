/** How a reader wants logs to be shown, kept in the browser for all of them. */

import { readStored, writeStored } from "../dom/storage.js";

const KEY = "jupyter-agent-log";

export const TIMES = ["off", "start", "clock"] as const;
export type Time = (typeof TIMES)[number];

export interface Preferences {
  time: Time;
  wrap: boolean;
}

const DEFAULTS: Preferences = { time: "off", wrap: true };

/** Return what was chosen last; a browser that keeps nothing has the defaults. */
export function readPreferences(): Preferences {
  const { time, wrap } = Object(readStored(KEY)) as Partial<Preferences>;
  return { time: TIMES.find((one) => one === time) ?? DEFAULTS.time, wrap: wrap ?? DEFAULTS.wrap };
}

export function writePreferences(preferences: Preferences): void {
  writeStored(KEY, preferences);
}
