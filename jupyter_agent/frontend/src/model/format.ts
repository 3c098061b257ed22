/** Formatting: terminal-safe text, and numbers and durations for people. */

// As in `jupyter_agent.core.sanitize`: the escape sequences of ECMA-48, and the start of one without an end.
const ESCAPES =
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-~]/g;
// The remaining control characters, and the bidirectional marks, which can reorder and hide text.
const CONTROLS =
  /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]/g;
const PLAIN = /^[\x20-\x7e]*$/;

/** Return text as a terminal would show it: no escape sequences, and only what follows a line's last return. */
export function printable(text: string): string {
  if (PLAIN.test(text)) return text;
  const plain = text.replace(ESCAPES, "").replace(CONTROLS, "");
  return plain.replace(/\r+(?=\n|$)/g, "").replace(/[^\n]*\r/g, "");
}

/** Return text as `printable` does, on one line. */
export function toSingleLine(text: string): string {
  return printable(text.replace(/\s+/g, " "));
}

/** Return a task's parameters as one line, "epochs=12 lr=3e-4"; empty for an older server's task. */
export function formatParams(params: Record<string, string> | undefined): string {
  return toSingleLine(
    Object.entries(params ?? {})
      .map(([name, value]) => `${name}=${value}`)
      .join(" "),
  );
}

export function formatNumber(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 2 });
}

/** Format a measured value with four significant digits, or more for a large one. */
export function formatSignificant(value: number): string {
  if (Number.isInteger(value)) return formatNumber(value);
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(2).replace("e+", "e");
  const digits = Math.max(4, Math.floor(Math.log10(size)) + 1);
  return value.toLocaleString("en-US", {
    minimumSignificantDigits: digits,
    maximumSignificantDigits: digits,
  });
}

/** Format a rate: units a second, or seconds a unit for slow ones. */
export function formatRate(perSecond: number): string {
  if (perSecond < 0.1) return `${formatDuration(1 / perSecond)} each`;
  const digits = perSecond < 10 ? 1 : 0;
  return `${perSecond.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })} it/s`;
}

/** Format a number of seconds. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const pad = (value: number) => String(value).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}:${pad(whole % 60)} min`;
  if (whole < 86400) return `${Math.floor(whole / 3600)}:${pad(Math.floor((whole % 3600) / 60))} h`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}
