/** How the lines of one log look: their times, the current one, what headings say. */

import { formatDuration, formatMoment } from "../model/format.js";
import type { Line } from "../model/log/line.js";
import type { Log } from "../model/log/log.js";
import type { TaskStore } from "../model/task_store.js";
import { addressOfLine } from "./line_address.js";
import type { Look } from "./line_element.js";
import { foldKey } from "./line_layout.js";
import type { Time } from "./preferences.js";
import type { Search } from "./search.js";

/** Columns of a number at least, so that the text does not move as the log grows. */
const NUMBER_COLUMNS = 4;
const TIME_COLUMNS = 8;

export interface Looks {
  readonly store: TaskStore;
  readonly search: Search;
  readonly time: Time;
  readonly folded: ReadonlySet<string>;
  /** The line that was searched or linked to. */
  readonly current: Line | null;
}

export function lookOf({ store, search, time, folded, current }: Looks): Look {
  const { task, attempts } = store;
  const attempt = task?.attempt ?? 1;
  const startOf = (number: number) =>
    attempts.get(number)?.started ?? (number === attempt ? task?.started : null) ?? task?.created ?? 0;
  return {
    version: JSON.stringify([
      search.query,
      time,
      [...folded],
      current?.source.offset,
      current?.number,
      attempts.version,
      startOf(attempt),
    ]),
    marksOf: (text) => search.marksOf(text),
    timeOf: ({ source }) =>
      time === "off" ? "" : timeText(source.time, time === "start" ? startOf(source.attempt) : null),
    titleOf: ({ number, source }) =>
      [`Line ${number}`, formatMoment(source.time), source.level, source.logger].filter(Boolean).join(", "),
    addressOf: (number) => addressOfLine(store.server, store.taskId, number),
    detailOf: (line) => (line.kind === "attempt" ? attempts.endOf(line.source.attempt - 1) : ""),
    isFolded: (heading) => folded.has(foldKey(heading)),
    isCurrent: (line) => line === current || (line.number !== null && line.number === current?.number),
  };
}

/** Return a time of the day, or the time since `start`. */
function timeText(time: number, start: number | null): string {
  return start === null ? formatMoment(time).slice(-8) : `+${formatDuration(Math.max(0, time - start))}`;
}

/** The columns before the text: of the numbers, and of both together. */
export interface Gutter {
  readonly number: number;
  readonly all: number;
}

export function gutterOf(log: Log, lines: number, time: Time): Gutter {
  const number = log.isNumbered ? Math.max(NUMBER_COLUMNS, String(lines).length) + 1 : 0;
  return { number, all: number + (time === "off" ? 0 : TIME_COLUMNS + 1) };
}
