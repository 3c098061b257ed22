/** The lines of a task's log: the newest, and as many earlier ones as a reader asked for. */

import type { TaskEvent } from "../net/types.js";
import { printable } from "./format.js";

/** Lines that are kept while nobody reads further back. */
export const KEPT = 5000;
/** Lines that are kept at most. */
export const MOST = 250_000;

export type Kind = "stdout" | "stderr" | "logging" | "warning" | "error" | "note";

export interface Line {
  readonly kind: Kind;
  readonly text: string;
}

/** What one event put in: so many lines. */
interface Entry {
  readonly offset: number;
  readonly log: boolean;
  readonly lines: number;
}

/** Which events say something here. */
export const LOG_TYPES = ["log", "lost"];

export class Log {
  lines: Line[] = [];
  /** The number of the first line; numbers never change, and go below 0 for earlier lines that came later. */
  first = 0;
  /** Moves with every change. */
  version = 0;
  /** How many log events the lines stand for. */
  events = 0;
  /** The last line as it was printed, while it has no end. */
  #open: { kind: Kind; raw: string } | null = null;
  #entries: Entry[] = [];
  readonly #readers = new Set<object>();

  /** Keeps `kept` lines, or `most` while somebody reads earlier ones. */
  constructor(
    readonly kept = KEPT,
    readonly most = MOST,
  ) {}

  /** One past the number of the last line. */
  get end(): number {
    return this.first + this.lines.length;
  }

  /** The offset of the oldest event in the lines; null: there is none. */
  get oldest(): number | null {
    return this.#entries[0]?.offset ?? null;
  }

  /** Line number `index`. */
  line(index: number): Line | undefined {
    return this.lines[index - this.first];
  }

  add(event: TaskEvent): void {
    if (event.flag === "bad_data") return;
    const before = this.lines.length;
    if (event.type === "log") this.#log(event.data);
    else if (event.type === "lost") this.#push("note", lost(event.data));
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
    this.#open = null;
    this.#entries = [];
    this.version += 1;
  }

  /** This reader looks at earlier lines: none is dropped. */
  hold(reader: object): void {
    this.#readers.add(reader);
  }

  /** This reader is back at the newest line: earlier ones may go. */
  release(reader: object): void {
    this.#readers.delete(reader);
    this.#trim();
  }

  #count({ type, offset }: TaskEvent, lines: number): void {
    this.version += 1;
    if (type === "log") this.events += 1;
    this.#entries.push({ offset, log: type === "log", lines });
  }

  #log({ stream, level, text }: { stream: string; level?: string; text: string }): void {
    const kind = stream === "logging" ? levelKind(level) : (stream as Kind);
    const goesOn = this.#open && this.#open.kind === kind ? this.#open.raw : null;
    const parts = ((goesOn ?? "") + text).split("\n");
    const rest = stream === "logging" || parts.at(-1) === "" ? null : parts.at(-1)!;
    if (parts.length > 1 && parts.at(-1) === "") parts.pop();
    if (goesOn !== null) this.lines[this.lines.length - 1] = { kind, text: printable(parts.shift() ?? "") };
    for (const part of parts) this.#push(kind, printable(part));
    this.#open = rest ? { kind, raw: rest } : null;
  }

  #push(kind: Kind, text: string): void {
    this.#open = null;
    this.lines.push({ kind, text });
  }

  /** Drop whole events when there is too much, a tenth more than needed, so that it is done seldom. */
  #trim(): void {
    const most = this.#readers.size > 0 ? Math.max(this.kept, this.most) : this.kept;
    if (this.lines.length <= most * 1.1) return;
    let [count, gone, logs] = [0, 0, 0];
    for (const entry of this.#entries) {
      if (gone + entry.lines > this.lines.length - most) break;
      [count, gone, logs] = [count + 1, gone + entry.lines, logs + Number(entry.log)];
    }
    this.#entries.splice(0, count);
    this.lines.splice(0, gone);
    this.first += gone;
    this.events -= logs;
  }
}

function levelKind(level: string | undefined): Kind {
  if (/^(error|critical|fatal)$/i.test(level ?? "")) return "error";
  return /^warn/i.test(level ?? "") ? "warning" : "logging";
}

function lost({ first, last, reason }: { first: number; last: number; reason: string }): string {
  return printable(`events ${first} to ${last} are lost: ${reason}`);
}
