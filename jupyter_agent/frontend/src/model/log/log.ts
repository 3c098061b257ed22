/** The log of a task in bounded memory: its newest lines, and earlier ones while a reader holds them. */

import type { EventData, EventOf, TaskEvent } from "../../net/types.js";
import { printable } from "../format.js";
import { severity, LEVELS } from "./levels.js";
import { draw, lineSource, type Line, type LineKind, type LineSource } from "./line.js";
import { sourceOf } from "./lines.js";
import { withStyles } from "./styles.js";

/** Maximum number of lines while no reader looks at earlier ones. */
const MAX_LINES = 5000;
/** Maximum number of lines while a reader does. */
export const MAX_LINES_HELD = 250_000;

/** The number of lines that one event added, headings above them included. */
interface Entry {
  readonly offset: number;
  readonly log: boolean;
  lines: number;
}

/** The last line while it has no newline yet: where it comes from, how it was printed, and the style before it. */
interface OpenLine {
  readonly source: string;
  readonly raw: string;
  readonly style: string;
}

/** The types of event that add lines. */
export const LOG_TYPES = ["log", "lost"];

export class Log {
  lines: Line[] = [];
  /** The index of the first line. Indices never change; lines that are put before the first get negative ones. */
  first = 0;
  /** Incremented by every change. */
  version = 0;
  /** Number of log events that made the lines. */
  events = 0;
  /** Whether events are known to be missing. */
  hasLosses = false;
  /** Whether any line is known to have a number. */
  isNumbered = false;
  /** Whether any line has colours. */
  isStyled = false;
  #open: OpenLine | null = null;
  #entries: Entry[] = [];
  /** The first and the last log event: a heading separates events of different attempts and cells. */
  #oldest: LineSource | null = null;
  #newest: LineSource | null = null;
  readonly #readers = new Set<object>();
  readonly #limit: number;
  readonly #heldLimit: number;

  /** `limit`: maximum number of lines; `heldLimit`: the same while a reader holds the log. */
  constructor(limit = MAX_LINES, heldLimit = MAX_LINES_HELD) {
    this.#limit = limit;
    this.#heldLimit = heldLimit;
  }

  /** One past the index of the last line. */
  get end(): number {
    return this.first + this.lines.length;
  }

  /** The offset of the oldest event in the lines; null without one. */
  get oldest(): number | null {
    return this.#entries[0]?.offset ?? null;
  }

  /** Return the line with this index. */
  line(index: number): Line | undefined {
    return this.lines[index - this.first];
  }

  /** Return the lines as one text. */
  text(): string {
    return this.lines.map((line) => `${line.text}\n`).join("");
  }

  /** Return the index of the first line for which `fits` holds; null without one. */
  indexOf(fits: (line: Line) => boolean): number | null {
    const at = this.lines.findIndex(fits);
    return at < 0 ? null : this.first + at;
  }

  add(event: TaskEvent): void {
    if (event.flag === "bad_data") return;
    const before = this.lines.length;
    if (event.type === "log") this.#log(event);
    else if (event.type === "lost") this.#push("note", lostText(event.data), lineSource(event), null, true);
    else return;
    this.hasLosses ||= event.type === "lost";
    this.#count(event, this.lines.length - before);
    this.#trim();
  }

  /** Put earlier events before the lines that are there. */
  prepend(events: TaskEvent[]): void {
    const page = new Log(Infinity);
    for (const event of events) page.add(event);
    const entry = page.#entries.at(-1);
    if (entry && this.#oldest && page.#newest) entry.lines += page.#addHeadings(this.#oldest);
    this.lines = page.lines.concat(this.lines);
    this.first -= page.lines.length;
    this.events += page.events;
    this.hasLosses ||= page.hasLosses;
    this.isNumbered ||= page.isNumbered;
    this.isStyled ||= page.isStyled;
    this.#entries = page.#entries.concat(this.#entries);
    this.#oldest = page.#oldest ?? this.#oldest;
    this.version += 1;
  }

  clear(): void {
    this.first = this.end;
    this.lines = [];
    this.events = 0;
    this.hasLosses = this.isNumbered = this.isStyled = false;
    this.#open = this.#oldest = this.#newest = null;
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

  #log(event: EventOf<"log">): void {
    const [{ text, styles }, from] = [event.data, lineSource(event, event.data)];
    const [kind, source] = [kindOf(event.data), sourceOf(event)];
    this.#begin(from, event.line === 1);
    const unfinished = this.#open !== null && this.#open.source === source ? this.#open : null;
    const parts = ((unfinished?.raw ?? "") + (styles?.length ? withStyles(text, styles) : text)).split("\n");
    if (parts.length > 1 && parts.at(-1) === "") parts.pop();
    let [style, before] = [unfinished?.style ?? "", ""];
    parts.forEach((part, at) => {
      const drawn = draw(part, style);
      if (at === 0 && unfinished) this.#replaceLast(drawn);
      else this.#push(kind, drawn, from, event.line ? event.line + at : null, at === 0);
      [before, style] = [style, drawn.style];
    });
    const isEnded = text.endsWith("\n") || parts.at(-1) === "";
    this.#open = source === null || isEnded ? null : { source, raw: parts.at(-1)!, style: before };
  }

  /** Begin an event: with headings, if it is of another attempt or cell than the one before. */
  #begin(from: LineSource, isFirst: boolean): void {
    if (this.#newest !== null) this.#addHeadings(from);
    else if (isFirst) this.#addHeadings(from, { ...from, attempt: 1, section: null });
    this.#oldest ??= from;
    this.#newest = from;
  }

  /** Add the headings between an event and the one before it. Returns their number. */
  #addHeadings(from: LineSource, before = this.#newest!): number {
    const length = this.lines.length;
    const isNew = from.attempt !== before.attempt;
    if (isNew) this.#push("attempt", `Attempt ${from.attempt}`, from, null, true);
    if (from.section !== null && (isNew || from.section !== before.section))
      this.#push("section", printable(from.section), from, null, true);
    return this.lines.length - length;
  }

  #replaceLast({ text, runs }: { text: string; runs?: Line["runs"] }): void {
    const { runs: _, ...last } = this.lines.at(-1)!;
    this.isStyled ||= runs !== undefined;
    this.lines[this.lines.length - 1] = { ...last, text, ...(runs ? { runs } : {}) };
  }

  #push(
    kind: LineKind,
    drawn: string | { text: string; runs?: Line["runs"] },
    source: LineSource,
    number: number | null,
    first: boolean,
  ): void {
    const { text, runs } = typeof drawn === "string" ? { text: drawn, runs: undefined } : drawn;
    this.#open = null;
    this.isNumbered ||= number !== null;
    this.isStyled ||= runs !== undefined;
    this.lines.push(
      runs ? { kind, text, number, source, first, runs } : { kind, text, number, source, first },
    );
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
    this.#oldest = this.lines[0]?.source ?? this.#oldest;
  }
}

function kindOf({ stream, level }: EventData["log"]): LineKind {
  if (stream !== "logging") return stream as LineKind;
  const number = severity(level);
  if (number >= LEVELS.error) return "error";
  if (number >= LEVELS.warning) return "warning";
  return number >= LEVELS.info ? "logging" : "debug";
}

function lostText({ first, last, reason }: EventData["lost"]): string {
  return printable(`events ${first} to ${last} are lost: ${reason}`);
}
