/** The brush: a range of the time that is chosen by a drag, or by the keys of its two ends. */

import type { Range } from "./spans.js";
import { between } from "./window.js";

/** Pixels from which a press is a drag. */
const MIN_DRAG = 4;
/** Part of the window that a key moves an end by; with Shift, `LARGE` as far. */
const [STEP, LARGE] = [1 / 60, 5];

/** What the brush works on. */
export interface Brushed {
  readonly window: Range;
  /** The chosen time; null: none yet. */
  readonly brush: Range | null;
  /** Show a range while it is being chosen. */
  preview(range: Range): void;
  choose(range: Range): void;
}

/** Follow a press on `track`, whose width is the window's, if it becomes a drag. A mouse may begin anywhere; a finger
 * only on the axis, since it scrolls elsewhere. */
export function onPress(event: PointerEvent, track: HTMLElement, brushed: Brushed): void {
  const isOnAxis = (event.target as Element).closest(".jat-axis") !== null;
  if (event.button !== 0 || (event.pointerType !== "mouse" && !isOnAxis)) return;
  const { left, width } = track.getBoundingClientRect();
  if (event.clientX < left) return; // on the labels
  const { window, brush } = brushed;
  const timeAt = (x: number) => window.from + ((x - left) / width) * (window.to - window.from);
  const start = otherEnd(event.target as Element, brush) ?? timeAt(event.clientX);
  let chosen: Range | null = null;
  const move = ({ clientX }: PointerEvent) => {
    if (!chosen && Math.abs(clientX - event.clientX) < MIN_DRAG) return;
    chosen = between(start, timeAt(clientX), window);
    brushed.preview(chosen);
  };
  const end = ({ type }: Event) => {
    for (const [name, handler] of handlers) document.removeEventListener(name, handler as EventListener);
    if (!chosen) return;
    if (type === "pointerup") suppressClick();
    brushed.choose(chosen);
  };
  const handlers = [
    ["pointermove", move],
    ["pointerup", end],
    ["pointercancel", end],
  ] as const;
  for (const [name, handler] of handlers) document.addEventListener(name, handler as EventListener);
}

/** Return the end of the chosen time that stays where the handle of the other one is dragged; null: a new choice. */
function otherEnd(target: Element, brush: Range | null): number | null {
  const end = target.closest<HTMLElement>(".jat-handle")?.dataset.end;
  return brush && end ? brush[end === "from" ? "to" : "from"] : null;
}

/** A drag that ends on a bar does not open it. */
function suppressClick(): void {
  const stop = (event: Event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  document.addEventListener("click", stop, { capture: true, once: true });
  setTimeout(() => document.removeEventListener("click", stop, { capture: true }), 0);
}

/** Return the range after a key at one of its ends; null: the key is none of the brush's. */
export function afterKey(
  event: KeyboardEvent,
  range: Range,
  end: "from" | "to",
  window: Range,
): Range | null {
  const step = (window.to - window.from) * STEP * (event.shiftKey ? LARGE : 1);
  const by = { ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step }[event.key];
  const edge = { Home: window.from, End: window.to }[event.key];
  if (by === undefined && edge === undefined) return null;
  const wanted = Math.min(window.to, Math.max(window.from, edge ?? range[end] + by!));
  return end === "from"
    ? { from: Math.min(wanted, range.to), to: range.to }
    : { from: range.from, to: Math.max(wanted, range.from) };
}
