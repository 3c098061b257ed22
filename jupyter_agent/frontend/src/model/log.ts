/** The log of a task in bounded memory: its newest lines, and earlier ones while a reader holds them. */

import type { EventData, TaskEvent } from "../net/types.js";
import { printable } from "./format.js";

/** Maximum number of lines while no reader looks at earlier ones. */
const MAX_LINES = 5000;
/** Maximum number of lines while a reader does. */
const MAX_LINES_HELD = 250_000;

export type LineKind = "stdout" | "stderr" | "logging" | "warning" | "error" | "note";

export interface Line {
  readonly kind: LineKind;
  readonly text: string;
}

/** The number of lines that one event added. */
interface Entry {
  readonly offset: number;
  readonly log: boolean;
  readonly lines: number;
}

/** The types of event that add lines. */
export const LOG_TYPES = ["log", "lost"];

export class Log {
  lines: Line[] = [];
  /** The number of the first line. Numbers never change; lines that are put before the first get negative ones. */
  first = 0;
  /** Incremented by every change. */
  version = 0;
  /** Number of log events that made the lines. */
  events = 0;
  /** Whether events are known to be missing. */
  hasLosses = false;
  /** The last line as it was printed, while it has no newline yet. */
  #open: { kind: LineKind; raw: string } | null = null;
  #entries: Entry[] = [];
  readonly #readers = new Set<object>();
  readonly #limit: number;
  readonly #heldLimit: number;

  /** `limit`: maximum number of lines; `heldLimit`: the same while a reader holds the log. */
  constructor(limit = MAX_LINES, heldLimit = MAX_LINES_HELD) {
    this.#limit = limit;
    this.#heldLimit = heldLimit;
  }

  #lose(lost: EventData["lost"]): void {
    this.hasLosses = true;
    this.#push("note", lostText(lost));
  }

  /** One past the number of the last line. */
  get end(): number {
    return this.first + this.lines.length;
  }

  /** The offset of the oldest event in the lines; null without one. */
  get oldest(): number | null {
    return this.#entries[0]?.offset ?? null;
  }

  /** Return the line with this number. */
  line(index: number): Line | undefined {
    return this.lines[index - this.first];
  }

  add(event: TaskEvent): void {
    if (event.flag === "bad_data") return;
    const before = this.lines.length;
    if (event.type === "log") this.#log(event.data);
    else if (event.type === "lost") this.#lose(event.data);
    else return;
    this.#count(event, this.lines.length - before);
    this.#trim();
  }

  /** Put earlier events before the lines that are there. */
  prepend(events: TaskEvent[]): void {
    const page = new Log(Infinity);
    for (const event of events) page.add(event);
    this.lines = page.lines.concat(this.lines);
    this.first -= page.lines.length;
    this.events += page.events;
    this.#entries = page.#entries.concat(this.#entries);
    this.version += 1;
  }

  clear(): void {
    this.first = this.end;
    this.lines = [];
    this.events = 0;
    this.hasLosses = false;
    this.#open = null;
    this.#entries = [];
    this.version += 1;
  }

  /** Keep all lines while this reader looks at earlier ones. Idempotent. */
  hold(reader: object): void {
    this.#readers.add(reader);
  }

  /** Let earlier lines be dropped again: this reader is back at the newest one. Idempotent. */
  release(reader: object): void {
    this.#readers.delete(reader);
    this.#trim();
  }

  #count({ type, offset }: TaskEvent, lines: number): void {
    this.version += 1;
    if (type === "log") this.events += 1;
    this.#entries.push({ offset, log: type === "log", lines });
  }

  #log({ stream, level, text }: EventData["log"]): void {
    const kind = stream === "logging" ? levelKind(level) : (stream as LineKind);
    const unfinished = this.#open && this.#open.kind === kind ? this.#open.raw : null;
    const parts = ((unfinished ?? "") + text).split("\n");
    const rest = stream === "logging" || parts.at(-1) === "" ? null : parts.at(-1)!;
    if (parts.length > 1 && parts.at(-1) === "") parts.pop();
    if (unfinished !== null)
      this.lines[this.lines.length - 1] = { kind, text: printable(parts.shift() ?? "") };
    for (const part of parts) this.#push(kind, printable(part));
    this.#open = rest ? { kind, raw: rest } : null;
  }

  #push(kind: LineKind, text: string): void {
    this.#open = null;
    this.lines.push({ kind, text });
  }

  /** Drop the oldest events with all their lines, once the log is a tenth over its limit: seldom, and many at once. */
  #trim(): void {
    const limit = this.#readers.size > 0 ? Math.max(this.#limit, this.#heldLimit) : this.#limit;
    if (this.lines.length <= limit * 1.1) return;
    let [count, dropped, logs] = [0, 0, 0];
    for (const entry of this.#entries) {
      if (dropped + entry.lines > this.lines.length - limit) break;
      [count, dropped, logs] = [count + 1, dropped + entry.lines, logs + Number(entry.log)];
    }
    this.#entries.splice(0, count);
    this.lines.splice(0, dropped);
    this.first += dropped;
    this.events -= logs;
  }
}

function levelKind(level: string | undefined): LineKind {
  if (/^(error|critical|fatal)$/i.test(level ?? "")) return "error";
  return /^warn/i.test(level ?? "") ? "warning" : "logging";
}

function lostText({ first, last, reason }: EventData["lost"]): string {
  return printable(`events ${first} to ${last} are lost: ${reason}`);
}
