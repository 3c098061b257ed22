/** Keeps the focus where a person left it, when rows move and buttons come and go. */

/** A link or button of a row. */
export interface Spot {
  readonly task: string;
  readonly act: string;
}

export function rowOf(list: Element, task: string): HTMLElement | null {
  return (
    [...list.querySelectorAll<HTMLElement>(".jal-row")].find((row) => row.dataset.taskId === task) ?? null
  );
}

/** Where in the rows the focus is; null: elsewhere. */
export function focusedSpot(list: HTMLElement): Spot | null {
  const active = activeIn(list)?.closest<HTMLElement>("[data-act]");
  const task = active?.closest<HTMLElement>("[data-task-id]")?.dataset.taskId;
  return active && task !== undefined ? { task, act: active.dataset.act! } : null;
}

/** Put a lost focus back: to the same button, or to the task's name when that can be pressed no more. */
export function keepFocus(list: HTMLElement, { task, act }: Spot): void {
  if (activeIn(list)?.matches(":not(:disabled)")) return;
  const row = rowOf(list, task);
  const acts = [...(row?.querySelectorAll<HTMLElement>("[data-act]") ?? [])];
  const target = acts.find((one) => one.dataset.act === act && one.matches(":not(:disabled)")) ?? acts[0];
  target?.focus({ preventScroll: true });
}

function activeIn(list: HTMLElement): Element | null {
  const { activeElement } = list.getRootNode() as Document | ShadowRoot;
  return list.contains(activeElement) ? activeElement : null;
}
