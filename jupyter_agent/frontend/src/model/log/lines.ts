/** The numbers of a log's lines, exactly as `jupyter_agent.core.logs.lines` counts them. */

import type { EventOf, LogSnapshot } from "../../net/types.js";
import { standardLevel } from "./levels.js";

export function emptyLog(): LogSnapshot {
  return { lines: 0, newest: 0, levels: {}, open: null };
}

/** Return what may go on with an unfinished line of this event; null for a record, which never has one. */
export function sourceOf({ attempt, data }: EventOf<"log">): string | null {
  return data.stream === "logging" ? null : `${attempt} ${data.stream} ${data.section ?? ""}`;
}

/** Count the lines of a log event, in place. */
export function countLines(log: LogSnapshot, event: EventOf<"log">): void {
  const { text, level } = event.data;
  const source = sourceOf(event);
  const continues = source !== null && source === log.open;
  const isEnded = text.endsWith("\n");
  log.newest = log.lines + Number(!continues);
  log.lines = log.newest + text.split("\n").length - 1 - Number(isEnded);
  log.open = isEnded || (!text && !continues) ? null : source;
  if (source !== null) return;
  const name = standardLevel(level);
  log.levels[name] = (log.levels[name] ?? 0) + 1;
}
