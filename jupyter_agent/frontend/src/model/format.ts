/** Harmless text and readable figures. */

// As in `jupyter_agent.core.text`: the escape sequences of ECMA-48, and the start of one without an end.
const ESCAPES =
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-~]/g;
// What is left of control characters, and the marks that turn text around and hide what it says.
const CONTROLS =
  /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]/g;
const PLAIN = /^[\x20-\x7e]*$/;

/** Text as a terminal would leave it: no escape sequences, and only what follows the last return. */
export function printable(text: string): string {
  if (PLAIN.test(text)) return text;
  const plain = text.replace(ESCAPES, "").replace(CONTROLS, "");
  return plain.replace(/\r+(?=\n|$)/g, "").replace(/[^\n]*\r/g, "");
}

/** As `printable`, on one line. */
export function oneLine(text: string): string {
  return printable(text.replace(/\s+/g, " "));
}

export function number(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 2 });
}

/** A measured value with four significant digits, or more for a large one. */
export function significant(value: number): string {
  if (Number.isInteger(value)) return number(value);
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(2).replace("e+", "e");
  const digits = Math.max(4, Math.floor(Math.log10(size)) + 1);
  return value.toLocaleString("en-US", {
    minimumSignificantDigits: digits,
    maximumSignificantDigits: digits,
  });
}

export function speedText(perSecond: number): string {
  if (perSecond < 0.1) return `${duration(1 / perSecond)} each`;
  const digits = perSecond < 10 ? 1 : 0;
  return `${perSecond.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })} it/s`;
}

/** Seconds in words. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const pad = (value: number) => String(value).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}:${pad(whole % 60)} min`;
  if (whole < 86400) return `${Math.floor(whole / 3600)}:${pad(Math.floor((whole % 3600) / 60))} h`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}
