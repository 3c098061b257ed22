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

// As in `jupyter_agent.rendering.formats`; `tests/formats.json` has cases for both.

/** Values from here on are not shown as they are: a broken clock or counter reported them. */
const HUGE = 1e300;
const [MINUTE, HOUR, DAY] = [60, 3600, 86_400];
/** Days from which on a duration has no hours. */
const MANY_DAYS = 100;
const PREFIXES = ["", "k", "M", "G", "T"];

/**
 * Format a whole number in full, another with four significant digits or all before the point: "1,234,567",
 * "0.1235", "12,346", "9.414e-5"; "-" for none.
 */
export function formatNumber(value: number | null): string {
  if (value === null || Number.isNaN(value)) return "-";
  const size = Math.abs(value);
  if (size >= HUGE) return "very many";
  if (size < 1e15 && Number.isInteger(value)) return grouped(String(value));
  const rounded = value.toPrecision(4);
  if (size < 1e15 && Math.abs(Number(rounded)) >= 1e-3)
    return grouped(size < 1000 ? String(Number(rounded)) : value.toFixed(0));
  const [digits, exponent] = value.toExponential(3).split("e");
  return `${Number(digits)}e${Number(exponent)}`;
}

function grouped(number: string): string {
  const [whole, ...rest] = number.split(".");
  return [whole!.replace(/\B(?=(\d{3})+$)/g, ","), ...rest].join(".");
}

/** Format the part that is done, 0 to 1, as "43%", rounded down: only what is done has "100%". */
export function formatPercent(part: number | null): string {
  if (part === null) return "";
  // The billionth makes up for floats: 0.29 * 100 is less than 29.
  return part >= 1 ? "100%" : `${Math.min(99, Math.floor(part * 100 + 1e-9))}%`;
}

/** Format units a second as "84.9M/s", "3.4/s", "2.5s each"; empty for no rate. */
export function formatRate(perSecond: number | null): string {
  if (perSecond === null || !(perSecond > 0 && perSecond < HUGE)) return "";
  if (perSecond < 1) {
    const each = formatDuration(1 / perSecond);
    return each && `${each} each`;
  }
  let [prefix, rate] = [0, perSecond];
  for (; rate >= 999.5 && prefix < PREFIXES.length - 1; prefix++) rate /= 1000;
  const tenths = Math.floor(rate * 10 + 0.5);
  const shown = tenths < 1000 ? withTenth(tenths) : grouped(String(Math.floor(rate + 0.5)));
  return `${shown}${PREFIXES[prefix]}/s`;
}

function withTenth(tenths: number): string {
  return `${Math.floor(tenths / 10)}.${tenths % 10}`;
}

/** Format a measured number of seconds as "8.2s", "45s", "3m 08s", "2h 05m", "4d 01h", "1,631d". */
export function formatDuration(seconds: number | null): string {
  const tenths = Math.floor(Math.max(seconds ?? 0, 0) * 10 + 0.5);
  return isTime(seconds) && tenths < 100 ? `${withTenth(tenths)}s` : formatWholeDuration(seconds);
}

/** Format as `formatDuration` does, without tenths of a second: for a duration that is still changing. */
export function formatWholeDuration(seconds: number | null): string {
  if (!isTime(seconds)) return "";
  const whole = Math.floor(Math.max(seconds, 0) + 0.5);
  if (whole < MINUTE) return `${whole}s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)}m ${padded(whole % MINUTE)}s`;
  if (whole < DAY) return `${Math.floor(whole / HOUR)}h ${padded(Math.floor((whole % HOUR) / MINUTE))}m`;
  const days = Math.floor(whole / DAY);
  if (days >= MANY_DAYS) return `${grouped(String(days))}d`;
  return `${days}d ${padded(Math.floor((whole % DAY) / HOUR))}h`;
}

function isTime(seconds: number | null): seconds is number {
  return seconds !== null && Math.abs(seconds) < HUGE;
}

function padded(value: number): string {
  return String(value).padStart(2, "0");
}

/** Format the age of something as "just now", "40s ago", "3m ago", "5h ago", "12d ago": coarse, so that it need not change often. */
export function formatAge(seconds: number): string {
  if (!isTime(seconds)) return "";
  if (seconds < 10) return "just now";
  if (seconds < MINUTE) return `${Math.floor(seconds / 10) * 10}s ago`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)}m ago`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)}h ago`;
  return `${grouped(String(Math.floor(seconds / DAY)))}d ago`;
}

/** Format a time (Unix seconds) in local time, to the second; empty for none and for one out of range. */
export function formatMoment(time: number | null): string {
  const date = new Date((time ?? NaN) * 1000);
  if (Number.isNaN(date.getTime())) return "";
  const day = [String(date.getFullYear()), padded(date.getMonth() + 1), padded(date.getDate())];
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()];
  return `${day.join("-")} ${clock.map(padded).join(":")}`;
}

/** Format a time (Unix seconds) in UTC, as files are read with anywhere; empty for none. */
export function formatIso(time: number): string {
  const date = new Date(time * 1000);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString();
}

/** Return the name of a task as it is shown. */
export function nameOf({ name }: { readonly name: string }): string {
  return toSingleLine(name) || "task";
}

/** Format bytes as "512 B", "1.2 MiB". */
export function formatSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  for (; bytes >= 1024 && unit < units.length - 1; unit += 1) bytes /= 1024;
  return `${bytes.toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`;
}
