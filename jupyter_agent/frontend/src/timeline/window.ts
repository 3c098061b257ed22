/** The time that is shown: its marks, and how far a place in it is. */

import { formatMoment } from "../model/format.js";
import type { Range } from "./spans.js";

const [MINUTE, HOUR, DAY] = [60, 3600, 86400];
export const SPANS: readonly (readonly [seconds: number, label: string])[] = [
  [15 * MINUTE, "15 minutes"],
  [HOUR, "1 hour"],
  [6 * HOUR, "6 hours"],
  [DAY, "1 day"],
  [7 * DAY, "7 days"],
  [30 * DAY, "30 days"],
];
const STEPS = [1, 5, 15, 30, 60, 300, 900, 1800, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 7 * DAY];
/** The part of the window that lies ahead of now, at least, and that by which the window moves on with the time: all
 * bars are drawn again then. */
const [AHEAD, PACE] = [0.04, 0.01];
/** Seconds of the shortest and of the longest window, and how much longer one is that shows more. */
const [SHORTEST, LONGEST, ZOOM] = [1, 366 * DAY, 1.5];

/** Return the window of `span` seconds that ends at `end`; null: shortly after now. */
export function windowOf(span: number, end: number | null, now: number): Range {
  const pace = span * PACE;
  const to = end ?? Math.ceil((now + span * AHEAD) / pace) * pace;
  return { from: to - span, to };
}

/** Return the window that shows less or more of the time (`steps`: below or above 0), where `center` stays in its place. */
export function zoomed({ from, to }: Range, center: number, steps: number): Range {
  const span = Math.min(LONGEST, Math.max(SHORTEST, (to - from) * ZOOM ** steps));
  const start = center - ((center - from) / (to - from)) * span;
  return { from: start, to: start + span };
}

/** Return where a time lies in a window: from 0 to 1 inside of it. */
export function shareOf(time: number, { from, to }: Range): number {
  return (time - from) / (to - from);
}

/** Return the times of at most `count` marks, at whole local hours and minutes. */
export function marksOf({ from, to }: Range, count: number, zone = zoneAt(from)): number[] {
  const step = STEPS.find((one) => (to - from) / one <= count) ?? Math.ceil((to - from) / count / DAY) * DAY;
  const first = Math.ceil((from + zone) / step) * step - zone;
  return Array.from(
    { length: Math.max(0, Math.floor((to - first) / step) + 1) },
    (_, at) => first + at * step,
  );
}

/** Return the seconds by which local time is ahead of UTC. */
function zoneAt(time: number): number {
  return -new Date(time * 1000).getTimezoneOffset() * MINUTE;
}

/** Return the words of a mark: the time of the day, or in a long window the day. */
export function markText(time: number, { from, to }: Range): string {
  const [day = "", clock = ""] = formatMoment(time).split(" ");
  if (to - from > 3 * DAY) return day.slice(5);
  return to - from > 5 * MINUTE ? clock.slice(0, 5) : clock;
}

/** Return the range between two places of a window, which may be outside of it. */
export function between(one: number, other: number, { from, to }: Range): Range {
  const inside = (time: number) => Math.min(to, Math.max(from, time));
  return { from: inside(Math.min(one, other)), to: inside(Math.max(one, other)) };
}
