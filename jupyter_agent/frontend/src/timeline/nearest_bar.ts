/** The bar that a press means: the one under the pointer, or, since short ones are thin, the nearest to a finger. */

/** Pixels from a finger within which a bar is pressed. */
const REACH = 22;

/** Return the bar that an event is about; null: none. */
export function nearestBar(event: MouseEvent): HTMLElement | null {
  const target = event.target as Element;
  const bar = target.closest<HTMLElement>(".jat-bar");
  const isTouch = event instanceof PointerEvent && event.pointerType === "touch";
  if (bar || !isTouch) return bar;
  const bars = [...(target.closest(".jat-row")?.querySelectorAll<HTMLElement>(".jat-bar") ?? [])];
  const near = bars
    .map((one) => [distance(one.getBoundingClientRect(), event), one] as const)
    .filter(([pixels]) => pixels <= REACH)
    .sort(([one], [other]) => one - other);
  return near[0]?.[1] ?? null;
}

/** Return the pixels between a box and a point; 0: it is in the box. */
function distance({ left, right, top, bottom }: DOMRect, { clientX, clientY }: MouseEvent): number {
  return Math.hypot(
    Math.max(left - clientX, 0, clientX - right),
    Math.max(top - clientY, 0, clientY - bottom),
  );
}
