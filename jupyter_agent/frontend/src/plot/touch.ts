/** Touch on a plot: one finger that moves sideways chooses a part, two fingers zoom. Up and down, the page scrolls. */

/** What is done with places on the plot, in pixels from its left edge, the lower one first. */
export interface TouchHandlers {
  /** Show a part while a finger chooses it. */
  preview(left: number, right: number): void;
  choose(left: number, right: number): void;
  /** Two fingers have come down. */
  grasp(): void;
  /** Show this part of what the plot showed then. */
  pinch(left: number, right: number): void;
}

/** Pixels that a finger must move sideways; less is a tap. */
const MIN_MOVE = 12;
/** How much closer, or wider apart, two fingers must be than when they came down. */
const MIN_PINCH = 1.15;

/** Follow the fingers on `over`, which scrolls up and down only (`touch-action`). */
export function followTouch(over: HTMLElement, handlers: TouchHandlers): void {
  /** Where each finger is. */
  const fingers = new Map<number, number>();
  /** Where the only finger was put down; null: there were two. */
  let start: number | null = null;
  /** The places of two fingers when they came down. */
  let pair: readonly [number, number] | null = null;
  const places = () => [...fingers.values()].sort((one, other) => one - other) as [number, number];
  const placeOf = (event: PointerEvent) => placeIn(over, event);
  const down = (event: PointerEvent) => {
    if (event.pointerType !== "touch" || fingers.size === 2) return;
    fingers.set(event.pointerId, placeOf(event));
    [start, pair] = fingers.size === 1 ? [placeOf(event), null] : [null, places()];
    if (!pair) return;
    handlers.preview(0, 0);
    handlers.grasp();
  };
  const move = (event: PointerEvent) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, placeOf(event));
    if (start !== null) handlers.preview(...ordered(start, placeOf(event)));
    const part = pair && partOf(pair, places(), over.clientWidth);
    if (part) handlers.pinch(...part);
  };
  const up = (event: PointerEvent) => {
    if (!fingers.delete(event.pointerId)) return;
    const from = start;
    [start, pair] = [null, null];
    if (from === null) return;
    const isChosen = event.type === "pointerup" && Math.abs(placeOf(event) - from) >= MIN_MOVE;
    if (isChosen) handlers.choose(...ordered(from, placeOf(event)));
    else handlers.preview(0, 0);
  };
  over.addEventListener("pointerdown", down);
  over.addEventListener("pointermove", move);
  over.addEventListener("pointerup", up);
  over.addEventListener("pointercancel", up);
}

function placeIn(over: HTMLElement, { clientX }: PointerEvent): number {
  const { left, width } = over.getBoundingClientRect();
  return Math.min(width, Math.max(0, clientX - left));
}

/** Return the part to show so that what was under two fingers is where they are now; null: they have hardly moved. */
export function partOf(
  before: readonly [number, number],
  now: readonly [number, number],
  width: number,
): [number, number] | null {
  const scale = (now[1] - now[0]) / Math.max(1, before[1] - before[0]);
  if (scale <= 0 || (scale < MIN_PINCH && scale > 1 / MIN_PINCH)) return null;
  const left = before[0] - now[0] / scale;
  return [left, left + width / scale];
}

function ordered(one: number, other: number): [number, number] {
  return one <= other ? [one, other] : [other, one];
}
