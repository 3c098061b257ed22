/** Which text of a cell's outputs a task printed, in the metadata of the task's output: for the page that opens the file. */

import { TASK_MIME } from "../mime.js";
import { StreamText, type Range } from "./stream_text.js";

/** The parts of one stream output. `at`: its number among the outputs of that stream; `length`: that of its text. */
export interface SavedRanges {
  readonly stream: string;
  readonly at: number;
  readonly length: number;
  readonly ranges: readonly Range[];
}

/** A stream output of a cell. */
export interface StreamOutput {
  readonly stream: string;
  readonly at: number;
  readonly text: string;
}

/** Parse the metadata of a task's output, which may contain anything. */
export function parseRanges(metadata: Record<string, unknown>): SavedRanges[] {
  const printed = (metadata[TASK_MIME] as { printed?: unknown } | undefined)?.printed;
  return Array.isArray(printed) ? printed.filter(isSavedRanges) : [];
}

function isSavedRanges(value: unknown): value is SavedRanges {
  const { stream, at, length, ranges } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof stream === "string" &&
    [at, length].every(Number.isInteger) &&
    Array.isArray(ranges) &&
    ranges.every(isRange)
  );
}

function isRange(value: unknown): value is Range {
  return Array.isArray(value) && value.length === 2 && value.every(Number.isInteger);
}

/** Return the text of an output by who printed it; null when no task in `saved` has printed any of it. */
export function restoredText(
  output: StreamOutput,
  saved: ReadonlyMap<string, SavedRanges[]>,
): StreamText | null {
  const owned = [...saved].flatMap(([task, outputs]) =>
    outputs
      .filter(({ stream, at, length }) => isSame(output, stream, at, length))
      .flatMap(({ ranges }) => ranges.map(([start, end]) => ({ task, start, end }))),
  );
  if (owned.length === 0) return null;
  const text = new StreamText();
  let at = 0;
  const add = (task: string | null, end: number) => {
    if (end > at) text.add({ task, late: false, text: output.text.slice(at, end) }, output.text);
    at = Math.max(at, end);
  };
  for (const { task, start, end } of owned.sort((one, other) => one.start - other.start)) {
    add(null, start);
    add(task, end);
  }
  add(null, output.text.length);
  return text;
}

function isSame(output: StreamOutput, stream: string, at: number, length: number): boolean {
  return output.stream === stream && output.at === at && output.text.length === length;
}
