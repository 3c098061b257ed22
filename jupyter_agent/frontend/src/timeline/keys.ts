/** Keys that lead from bar to bar. */

/** Return the bar that a key leads to from `bar`; null: the key leads nowhere. */
export function barAfterKey(key: string, bar: HTMLElement): HTMLElement | null {
  const row = bar.closest(".jat-row")!;
  const inRow = barsOf(row);
  const at = inRow.indexOf(bar);
  if (key === "ArrowRight") return inRow[at + 1] ?? null;
  if (key === "ArrowLeft") return inRow[at - 1] ?? null;
  if (key === "Home") return inRow[0]!;
  if (key === "End") return inRow.at(-1)!;
  const other = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[key] ?? null;
  if (other && barsOf(other).length === 0) other.scrollIntoView({ block: "nearest" }); // it is drawn then
  return other ? nearest(barsOf(other), bar) : null;
}

function barsOf(row: Element): HTMLElement[] {
  return [...row.querySelectorAll<HTMLElement>(".jat-bar")];
}

/** Return the bar whose beginning is next to that of `bar`. */
function nearest(bars: readonly HTMLElement[], bar: HTMLElement): HTMLElement | null {
  const { left } = bar.getBoundingClientRect();
  const distance = (one: HTMLElement) => Math.abs(one.getBoundingClientRect().left - left);
  return bars.reduce<HTMLElement | null>(
    (best, one) => (best && distance(best) <= distance(one) ? best : one),
    null,
  );
}
