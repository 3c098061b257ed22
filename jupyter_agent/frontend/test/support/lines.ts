import type { Line } from "../../src/model/log/line.js";

const source = { offset: 1, time: 0, attempt: 1, level: null, logger: null, section: null };

/** A line of a log. */
export const line = (text: string, more: Partial<Line> = {}): Line => ({
  kind: "stdout",
  text,
  number: null,
  source,
  first: true,
  ...more,
});

/** The lines of a log, the first with the index `first`. */
export const lines = (first: number, ...text: string[]) => ({
  first,
  end: first + text.length,
  lines: text.map((one) => line(one)),
});
