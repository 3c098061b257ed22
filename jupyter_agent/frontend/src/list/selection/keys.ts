/** The keys of a list: moving between rows, selecting, deleting. */

import { activeIn, stopAt, stopsOf } from "../rows/focus.js";

/** What the keys do to a list. */
export interface KeyTarget {
  readonly element: HTMLElement;
  /** Select the task or the group of a stop; `extend`: everything since the last one that was selected. */
  selectStop(stop: HTMLElement, extend: boolean): void;
  selectAll(): void;
  /** Delete the selected tasks, or the one of the stop. */
  removeAt(stop: HTMLElement | null): void;
  /** Deselect everything. Return false when nothing was selected. */
  clearSelection(): boolean;
}

const DOWN = new Set(["j", "ArrowDown"]);
const UP = new Set(["k", "ArrowUp"]);
const FIELDS = "input:not([type=checkbox]), textarea, select, [contenteditable], [role=menu]";

/** Handle a key if it is one of the list's. The caller listens in the window's capture phase: JupyterLab listens in the
 * document's, and would cut the cell at an "x". */
export function onListKey(list: KeyTarget, event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
  const active = activeIn(list.element);
  if (!active || !act(list, active, event)) return;
  event.preventDefault();
  event.stopPropagation();
}

/** Return whether the key did something. */
function act(list: KeyTarget, active: Element, event: KeyboardEvent): boolean {
  if (active.matches(".jal-search") && event.key === "ArrowDown") return move(list, 1, false);
  if (active.closest(FIELDS)) return false;
  const stop = stopsOf(list.element)[stopAt(list.element)] ?? null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (DOWN.has(key)) return move(list, 1, event.shiftKey);
  if (UP.has(key)) return move(list, -1, event.shiftKey);
  if (key === "x" || (key === " " && active.matches(".jal-name, .jal-check")))
    return select(list, stop, event);
  if (key === "a") list.selectAll();
  else if (key === "Delete") list.removeAt(stop);
  else if (key === "/") list.element.querySelector<HTMLElement>(".jal-search")?.focus();
  else return key === "Escape" && list.clearSelection();
  return true;
}

function move(list: KeyTarget, step: number, extend: boolean): boolean {
  const [stops, at] = [stopsOf(list.element), stopAt(list.element)];
  const next = stops[at < 0 ? 0 : at + step];
  if (!next) return stops.length > 0; // the first or the last row
  if (extend && at >= 0) list.selectStop(stops[at]!, true);
  next.focus();
  next.scrollIntoView({ block: "nearest" });
  if (extend) list.selectStop(next, true);
  return true;
}

function select(list: KeyTarget, stop: HTMLElement | null, event: KeyboardEvent): boolean {
  if (stop) list.selectStop(stop, event.shiftKey);
  return stop !== null;
}
