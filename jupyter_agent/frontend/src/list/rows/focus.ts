/** The keyboard focus in a list: which element has it, moving it, and keeping it where rows move and buttons come and go. */

/** A link or button of a row, by its task and `data-act`. */
export interface FocusTarget {
  readonly task: string;
  readonly act: string;
}

export function rowOf(list: Element, task: string): HTMLElement | null {
  return (
    [...list.querySelectorAll<HTMLElement>(".jal-row")].find((row) => row.dataset.taskId === task) ?? null
  );
}

/** Return the row's element that has the focus; null when the focus is elsewhere. */
export function focusedTarget(list: HTMLElement): FocusTarget | null {
  const active = activeIn(list)?.closest<HTMLElement>("[data-act]");
  const task = active?.closest<HTMLElement>("[data-task-id]")?.dataset.taskId;
  return active && task !== undefined ? { task, act: active.dataset.act! } : null;
}

/** Restore a lost focus: to the same button, or to the task's name when the button is gone or disabled; to `next` when
 * the row is gone. */
export function restoreFocus(list: HTMLElement, { task, act }: FocusTarget, next: number): void {
  if (activeIn(list)?.matches(":not(:disabled)")) return;
  const row = rowOf(list, task);
  const stops = stopsOf(list);
  const same = [...(row?.querySelectorAll<HTMLElement>("[data-act]") ?? [])].find(
    (one) => one.dataset.act === act && one.matches(":not(:disabled)"),
  );
  const target = same ?? row?.querySelector<HTMLElement>(".jal-name") ?? stops[next] ?? stops.at(-1);
  (target ?? list.querySelector<HTMLElement>(".jal-search"))?.focus({ preventScroll: true });
}

/** Return where the arrow keys stop: the rows' names and the heads of groups, from top to bottom. */
export function stopsOf(list: Element): HTMLElement[] {
  return [...list.querySelectorAll<HTMLElement>(".jal-name, .jal-fold")];
}

/** Return the index of the stop in whose row or head the focus is; -1: elsewhere. */
export function stopAt(list: HTMLElement): number {
  const place = activeIn(list)?.closest(".jal-row, .jal-group-head");
  return place ? stopsOf(list).findIndex((stop) => place.contains(stop)) : -1;
}

export function activeIn(list: HTMLElement): Element | null {
  const { activeElement } = list.getRootNode() as Document | ShadowRoot;
  return list.contains(activeElement) ? activeElement : null;
}
