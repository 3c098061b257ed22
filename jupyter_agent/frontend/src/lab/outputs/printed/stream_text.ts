/** The text of a stream output, by who printed it. */

/** Text in one piece. `task`: which task printed it; null: the cell itself, or unknown. */
export interface Piece {
  readonly task: string | null;
  /** Whether it was printed while no view of the task had the server's events. */
  readonly late: boolean;
  text: string;
}

/** A part of a text: its first character, and one past its last. */
export type Range = readonly [number, number];

export class StreamText {
  readonly #pieces: Piece[] = [];
  /** The text of the output, as JupyterLab keeps it, when the last piece was added. */
  #whole = "";

  get whole(): string {
    return this.#whole;
  }

  /** Add a piece; `whole` is the output's text with it. */
  add(piece: Piece, whole: string): void {
    const last = this.#pieces.at(-1);
    if (last?.task === piece.task && last.late === piece.late) last.text = joined(last.text, piece.text);
    else this.#pieces.push({ ...piece });
    this.#whole = whole;
  }

  /** Return the text without the pieces that are hidden, as a terminal shows it. */
  visible(isHidden: (piece: Piece) => boolean): string {
    const shown = this.#pieces.filter((piece) => !isHidden(piece));
    return shown.length === this.#pieces.length ? this.#whole : overwritten(textOf(shown));
  }

  /** Return which parts of the output's text a task printed; null where carriage returns have mixed it with others'. */
  rangesOf(task: string): Range[] | null {
    if (this.#pieces.every((piece) => piece.task === task)) return [[0, this.#whole.length]];
    if (textOf(this.#pieces) !== this.#whole) return null;
    const ranges: Range[] = [];
    let at = 0;
    for (const { task: owner, text } of this.#pieces) {
      if (owner === task) ranges.push([at, at + text.length]);
      at += text.length;
    }
    return ranges;
  }
}

function textOf(pieces: readonly Piece[]): string {
  return pieces.map(({ text }) => text).join("");
}

/** Join two texts; a bar that is drawn again and again takes no more room. */
function joined(before: string, text: string): string {
  if (!text.startsWith("\r") || !before.includes("\r")) return before + text;
  const line = before.lastIndexOf("\n") + 1;
  return before.slice(0, line) + overwritten(before.slice(line)) + text;
}

/** Apply carriage returns and backspaces, as JupyterLab does. */
export function overwritten(text: string): string {
  return /[\r\b]/.test(text) ? text.split("\n").map(overwrittenLine).join("\n") : text;
}

function overwrittenLine(line: string): string {
  let [shown, at] = ["", 0];
  for (const part of line.split(/([\r\b])/)) {
    if (part === "\r") at = 0;
    else if (part === "\b") {
      if (at > 0) shown = shown.slice(0, at - 1) + shown.slice(at + 1);
      at = Math.max(0, at - 1);
    } else {
      shown = shown.slice(0, at) + part + shown.slice(at + part.length);
      at += part.length;
    }
  }
  return shown;
}
