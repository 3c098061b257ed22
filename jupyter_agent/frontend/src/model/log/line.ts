/** The lines of a log: what a view draws, one for each. */

import type { EventOf } from "../../net/types.js";
import { printable, toSingleLine } from "../format.js";
import { pieces, type Run } from "./styles.js";

/** `attempt` and `section` (a notebook's cell) are headings, and the lines that follow belong to them. */
export type LineKind =
  "stdout" | "stderr" | "logging" | "debug" | "warning" | "error" | "note" | "attempt" | "section";

/** What the lines of one event have in common. */
export interface LineSource {
  readonly offset: number;
  /** Unix seconds. */
  readonly time: number;
  readonly attempt: number;
  readonly level: string | null;
  readonly logger: string | null;
  readonly section: string | null;
}

export interface Line {
  readonly kind: LineKind;
  readonly text: string;
  /** Its number in the whole log, from 1; null: it has none, or the server does not say. */
  readonly number: number | null;
  readonly source: LineSource;
  /** Whether it is the first line of its event. */
  readonly first: boolean;
  readonly runs?: readonly Run[];
}

export function lineSource(
  event: Pick<EventOf<"log">, "offset" | "time" | "attempt">,
  data: Partial<EventOf<"log">["data"]> = {},
): LineSource {
  const { level = null, logger = null, section = null } = data;
  const { offset, time, attempt } = event;
  return { offset, time, attempt, level, logger: logger && toSingleLine(logger), section };
}

/** What a terminal would leave of a line, with its styles. `style`: the one that the next line begins with. */
export interface Drawn {
  text: string;
  runs?: Run[];
  style: string;
}

/** Draw a line as it was printed; `style` goes on from the line before. */
export function draw(raw: string, style: string): Drawn {
  if (!style && !raw.includes("\x1b[")) return { text: printable(raw), style };
  const visible = raw.replace(/\r+$/, "");
  let [text, runs]: [string, Run[]] = ["", []];
  for (const piece of pieces(visible, style)) {
    style = piece.style;
    const begin = piece.text.lastIndexOf("\r") + 1;
    if (begin > 0) [text, runs] = ["", []];
    const shown = printable(piece.text.slice(begin));
    if (shown && style) runs.push([text.length, text.length + shown.length, style]);
    text += shown;
  }
  return runs.length > 0 ? { text, runs, style } : { text, style };
}
