/** The template of an error: its traceback with the frames of libraries folded, and cells that one can go to. */

import { html, nothing, type TemplateResult } from "lit";
import type { TaskError } from "../net/types.js";
import { printable } from "../model/format.js";
import {
  type CellPlace,
  foldedText,
  frameParts,
  type TracebackBlock,
  tracebackBlocks,
} from "../model/traceback.js";
import { copyHandler } from "../dom/clipboard.js";

/** The maximum number of lines of a traceback that is open at first. */
const SHORT = 16;

/** Goes to a line of a cell. */
export type GoToCell = (place: CellPlace) => void;

/** `goToCell`: null where there is no notebook to go to. */
export function errorView(
  { type, message, traceback }: TaskError,
  goToCell: GoToCell | null,
): TemplateResult {
  const what = message ? `${type}: ${message}` : type;
  const text = printable(traceback ?? "");
  const blocks = tracebackBlocks(text);
  const isShort = text !== "" && heightOf(blocks) <= SHORT;
  return html`<details class="ja-error" ?open=${isShort}><summary>${printable(what)}</summary>
    <div class="ja-traceback" role="group" data-lm-suppress-shortcuts="true" tabindex="0" aria-label="Traceback" ?hidden=${!text}><button
      class="ja-quiet-button ja-copy" type="button" aria-label="Copy the traceback" @click=${copyHandler(text, "Not copied")}>Copy</button>${blocks.map((block) => blockView(block, goToCell))}</div></details>`;
}

function heightOf(blocks: readonly TracebackBlock[]): number {
  return blocks.reduce((height, { kind, lines }) => height + (kind === "library" ? 1 : lines.length), 0);
}

function blockView(block: TracebackBlock, goToCell: GoToCell | null): TemplateResult {
  const { kind, lines } = block;
  if (kind === "text") return html`<div>${lines.join("\n")}</div>`;
  if (kind === "library")
    return html`<details class="ja-folded"><summary>${foldedText(block)}</summary><div>${lines.join("\n")}</div></details>`;
  const { place, indent, where, rest } = frameParts(block);
  const head =
    place && goToCell
      ? html`<button class="ja-place" type="button" title="Go to this line" @click=${() => goToCell(place)}>${where}</button>`
      : html`<b>${where}</b>`;
  const source = lines.length > 1 ? html`<div class="ja-source">${lines.slice(1).join("\n")}</div>` : nothing;
  return html`<div>${indent}${head}${rest}${source}</div>`;
}
