/** The menu of a row: every action on its task. */

import { html, type TemplateResult } from "lit";
import { canRetry, END_STATES } from "../../model/reducer.js";
import type { Snapshot } from "../../net/types.js";
import { canStop, nameOf, stopWord } from "../labels.js";

/** `task`: whose menu is open; `x`, `y`: where, from the list's right and upper edge; `up`: it grows upwards from there. */
export interface OpenMenu {
  readonly task: string;
  readonly x: number;
  readonly y: number;
  readonly up: boolean;
}

export interface MenuProps {
  readonly menu: OpenMenu;
  readonly task: Snapshot;
  readonly now: number;
  readonly selected: boolean;
  readonly canOpenNotebook: boolean;
  readonly readOnly: boolean;
  /** The number of tasks of this name in the list. */
  readonly alike: number;
  /** Do an action, by its `data-item`; empty: only close the menu. */
  choose(item: string): void;
}

export function rowMenu(props: MenuProps): TemplateResult {
  const { menu, task, choose } = props;
  const place = menu.up ? `bottom: ${menu.y}px` : `top: ${menu.y}px`;
  return html`<div class="jal-menu" role="menu" aria-label=${`Actions for ${nameOf(task)}`} .style=${`right: ${menu.x}px; ${place}`}
    @keydown=${(event: KeyboardEvent) => onKeydown(event, choose)}
    @click=${(event: MouseEvent) => choose((event.target as Element).closest<HTMLElement>("[data-item]")?.dataset.item ?? "")}>
    ${itemsOf(props).map(([name, label, disabled]) => html`<button class="jal-item" type="button" role="menuitem" tabindex="-1" data-item=${name} ?disabled=${disabled}>${label}</button>`)}
  </div>`;
}

function itemsOf(props: MenuProps): [string, string, boolean][] {
  const { task, now, selected, canOpenNotebook, readOnly, alike } = props;
  const ended = END_STATES.has(task.state);
  const offered: [boolean, string, string][] = [
    [true, "open", "Open"],
    [canOpenNotebook && task.notebook !== null, "notebook", "Open notebook"],
    [!ended && !readOnly, "cancel", stopWord(task)],
    [canRetry(task) && !readOnly, "retry", "Retry"],
    [true, "select", selected ? "Deselect" : "Select"],
    [alike > 1, "alike", `Select all ${alike} of this name`],
    [true, "copy", "Copy id"],
    [ended && !readOnly, "delete", "Delete"],
  ];
  return offered.flatMap(([isOffered, name, label]) =>
    isOffered ? [[name, label, name === "cancel" && !canStop(task, now)]] : [],
  );
}

const STEPS: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };

function onKeydown(event: KeyboardEvent, choose: (item: string) => void): void {
  const items = [
    ...(event.currentTarget as Element).querySelectorAll<HTMLElement>(".jal-item:not(:disabled)"),
  ];
  const step = STEPS[event.key];
  if (event.key === "Escape" || event.key === "Tab") choose("");
  else if (step === undefined) return;
  else {
    const at = items.indexOf(document.activeElement as HTMLElement);
    const next = Number.isFinite(step)
      ? (at + step + items.length) % items.length
      : step < 0
        ? 0
        : items.length - 1;
    items[next]?.focus();
  }
  event.preventDefault();
  event.stopPropagation();
}

/** Return where to open the menu of a button in `list`: upwards in its lower half. */
export function placeOf(task: string, button: HTMLElement, list: HTMLElement): OpenMenu {
  const [at, whole] = [button.getBoundingClientRect(), list.getBoundingClientRect()];
  const up = at.top - whole.top > whole.bottom - at.bottom && at.top - whole.top > 200;
  const scrolled = list.scrollTop;
  const y = up ? whole.bottom - at.top - scrolled : at.bottom - whole.top + scrolled;
  return { task, x: whole.right - at.right, y, up };
}
