/** Focus restoration: keeps the keyboard focus in place when rows move and buttons come and go. */

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

/** Restore a lost focus: to the same button, or to the task's name when the button is gone or disabled. */
export function restoreFocus(list: HTMLElement, { task, act }: FocusTarget): void {
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
