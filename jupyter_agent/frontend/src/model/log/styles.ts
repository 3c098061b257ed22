/** Styles of text: colours and fonts, exactly as `jupyter_agent.core.logs.styles` reads them.
 *
 * A style is what is set, in one canonical form, such as `1;31` (bold, red); it is empty for none. */

const SEQUENCE = /\x1b\[([0-9;:]*)m/g;
const FONTS: Record<number, string> = {
  1: "bold",
  2: "dim",
  3: "italic",
  4: "underline",
  7: "inverse",
  9: "strike",
};
const ENDED_FONTS: Record<number, number[]> = { 21: [1], 22: [1, 2], 23: [3], 24: [4], 27: [7], 29: [9] };
const MAX_VALUES = 40;

interface Pen {
  fonts: Set<number>;
  /** The values of the text's colour and the ground's; empty for none. */
  ink: string;
  ground: string;
}

/** Return what an `m` sequence with these values makes of a style. */
export function styledAfter(style: string, values: string): string {
  const pen: Pen = { fonts: new Set(), ink: "", ground: "" };
  if (style) apply(pen, style);
  apply(pen, values);
  const fonts = [...pen.fonts].sort((one, other) => one - other).map(String);
  return [...fonts, pen.ink, pen.ground].filter(Boolean).join(";");
}

function apply(pen: Pen, values: string): void {
  const codes = values.split(";").slice(0, MAX_VALUES);
  while (codes.length > 0) {
    const [number = 0, ...details] = codes.shift()!.split(":").map(valueOf);
    if (number === 38 || number === 48) {
      const color = colorOf(details[0] === 2 ? [2, ...details.slice(-3)] : details, codes);
      pen[number === 38 ? "ink" : "ground"] = color && `${number};${color}`;
    } else set(pen, number === 4 && details[0] === 0 ? 0 : number);
  }
}

function valueOf(text: string): number {
  return Number.parseInt(text.slice(0, 4), 10) || 0;
}

/** Return `5;N` or `2;R;G;B`, read from details (after a colon) or else from the next codes. */
function colorOf([kind, ...details]: number[], codes: string[]): string {
  if (kind === undefined) {
    kind = valueOf(codes.shift() ?? "");
    details = codes.splice(0, kind === 5 ? 1 : kind === 2 ? 3 : 0).map(valueOf);
  }
  const count = kind === 5 ? 1 : 3;
  return details.length < count
    ? ""
    : [kind, ...details.slice(0, count).map((value) => Math.min(255, value))].join(";");
}

function set(pen: Pen, number: number): void {
  const tens = Math.floor(number / 10);
  if (number === 0) [pen.fonts, pen.ink, pen.ground] = [new Set(), "", ""];
  else if (number in FONTS) pen.fonts.add(number);
  else if (number in ENDED_FONTS) for (const font of ENDED_FONTS[number]!) pen.fonts.delete(font);
  else if (number === 39) pen.ink = "";
  else if (number === 49) pen.ground = "";
  else if (number % 10 < 8 && [3, 9, 4, 10].includes(tens))
    pen[tens === 3 || tens === 9 ? "ink" : "ground"] = String(number);
}

/** A part of a text (UTF-16): its first index, one past its last, and its style. */
export type Run = readonly [number, number, string];

/** Split a text with `m` sequences into pieces of one style each. */
export function* pieces(text: string, style = ""): Generator<{ style: string; text: string }> {
  let begin = 0;
  for (const match of text.matchAll(SEQUENCE)) {
    yield { style, text: text.slice(begin, match.index) };
    style = styledAfter(style, match[1]!);
    begin = match.index + match[0].length;
  }
  yield { style, text: text.slice(begin) };
}

/** Return a text with the sequences that set the styles of an event; their indices count characters, not UTF-16. */
export function withStyles(text: string, styles: readonly Run[]): string {
  const characters = /[\ud800-\udfff]/.test(text) ? Array.from(text) : null;
  const part = (from: number, to?: number) =>
    characters ? characters.slice(from, to).join("") : text.slice(from, to);
  let [styled, end] = ["", 0];
  for (const [from, to, style] of styles) {
    if (from < end || to <= from || !/^[\d;]+$/.test(style)) continue;
    styled += `${part(end, from)}\x1b[${style}m${part(from, to)}\x1b[0m`;
    end = to;
  }
  return styled + part(end);
}

/** Return the classes of a style: `ja-bold`, `ja-fg-1` and the like. */
export function classesOf(style: string): string {
  const pen: Pen = { fonts: new Set(), ink: "", ground: "" };
  apply(pen, style);
  const classes = [...pen.fonts].map((font) => `ja-${FONTS[font]}`);
  if (pen.ink) classes.push(`ja-fg-${indexOf(pen.ink)}`);
  if (pen.ground) classes.push(`ja-bg-${indexOf(pen.ground)}`);
  return classes.join(" ");
}

/** Return the index of a colour in the palette of 256: the nearest of its cube for one that is not in it. */
function indexOf(color: string): number {
  const [code = 0, kind, ...values] = color.split(";").map(Number);
  if (kind === undefined) return code >= 90 ? (code % 10) + 8 : code % 10;
  if (kind === 5) return values[0]!;
  const [red = 0, green = 0, blue = 0] = values.map((value) =>
    value < 48 ? 0 : value < 115 ? 1 : Math.floor((value - 35) / 40),
  );
  return 16 + 36 * red + 6 * green + blue;
}
