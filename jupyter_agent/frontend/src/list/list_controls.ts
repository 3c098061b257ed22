/** What the user does with a list: clicks, keys, the selection, the menu, the view, and undoing. */

import { html, nothing, type TemplateResult } from "lit";
import { copyText } from "../dom/clipboard.js";
import type { TaskListStore } from "../model/task_list_store.js";
import type { Snapshot } from "../net/types.js";
import { deleteFilter, saveFilter } from "./filters/saved_filters.js";
import type { ToolbarProps } from "./filters/toolbar.js";
import type { ListContent } from "./list_content.js";
import { focusedTarget, type FocusTarget, restoreFocus, rowOf, stopAt } from "./rows/focus.js";
import { type OpenMenu, placeOf, rowMenu } from "./rows/menu.js";
import type { PendingActions } from "./pending_actions.js";
import type { RowAction } from "./rows/row.js";
import { type ActionList, RowActions } from "./rows/row_actions.js";
import { type KeyTarget, onListKey } from "./selection/keys.js";
import { Selection } from "./selection/selection.js";
import { selectionBar } from "./selection/selection_bar.js";
import type { DelayedActions } from "./undo/delayed_actions.js";
import { undoNotice } from "./undo/undo_notice.js";
import type { ListView } from "./filters/arrange.js";

/** The list that is controlled. */
export interface ControlledList extends ActionList {
  readonly content: ListContent;
  readonly view: ListView;
  readonly now: number;
  readonly updateComplete: Promise<boolean>;
  show(view: Partial<ListView>): void;
  requestUpdate(): void;
}

type Tools = Pick<
  ToolbarProps,
  "isPanelOpen" | "readOnly" | "show" | "togglePanel" | "save" | "forget" | "removeEnded"
>;

export class ListControls implements KeyTarget {
  readonly selection: Selection;
  /** The task at whose row the Tab key stops; empty: none. */
  tabStop = "";
  readonly #list: ControlledList;
  readonly #actions: RowActions;
  #menu: OpenMenu | null = null;
  #isPanelOpen = false;
  #focus: FocusTarget | null = null;
  #focusedStop = -1;

  constructor(list: ControlledList, store: () => TaskListStore | null, pending: PendingActions) {
    this.#list = list;
    this.selection = new Selection(() => list.requestUpdate());
    this.#actions = new RowActions(list, this.selection, store, pending, (task, button) =>
      this.#openMenu(task, button),
    );
  }

  get element(): HTMLElement {
    return this.#list;
  }

  connect(): void {
    this.#list.addEventListener("click", this.#actions.onClick);
    this.#list.addEventListener("mousedown", onMousedown);
    this.#list.addEventListener("focusin", this.#onFocus);
    window.addEventListener("keydown", this.#onKeydown, true);
    window.addEventListener("pointerdown", this.#onPointerDown, true);
  }

  disconnect(): void {
    this.#list.removeEventListener("click", this.#actions.onClick);
    this.#list.removeEventListener("mousedown", onMousedown);
    this.#list.removeEventListener("focusin", this.#onFocus);
    window.removeEventListener("keydown", this.#onKeydown, true);
    window.removeEventListener("pointerdown", this.#onPointerDown, true);
  }

  /** Adapt to what the list shows, before it is drawn. */
  update(): void {
    const { order, shown } = this.#list.content;
    const known = new Set(shown.map(({ id }) => id));
    this.selection.keepOnly(known);
    if (!order.includes(this.tabStop)) this.tabStop = order[0] ?? "";
    if (this.#menu && !known.has(this.#menu.task)) this.#menu = null;
  }

  get tools(): Tools {
    const redraw = (change: () => void) => () => (change(), this.#list.requestUpdate());
    return {
      isPanelOpen: this.#isPanelOpen,
      readOnly: this.#list.isReadOnly,
      show: (view) => this.#list.show(view),
      togglePanel: redraw(() => (this.#isPanelOpen = !this.#isPanelOpen)),
      save: (name) => redraw(() => saveFilter({ ...this.#list.view, name }))(),
      forget: (name) => redraw(() => deleteFilter(name))(),
      removeEnded: () => this.#actions.remove(this.#list.content.shown),
    };
  }

  /** Render what lies over the rows and below them: the menu, what can be undone, and the bar of the selection. */
  bars(delayed: DelayedActions | null): TemplateResult {
    const selected = this.#selected;
    const actions = this.#actions;
    const undo = delayed && undoNotice(delayed, () => delayed.undo(), "jal");
    const bar = selectionBar({
      selected,
      readOnly: this.#list.isReadOnly,
      compare: () => this.compare(selected.map(({ id }) => id)),
      cancel: () => actions.cancel(selected),
      retry: () => actions.retry(selected),
      remove: () => actions.remove(selected),
      clear: () => this.clearSelection(),
    });
    return html`<div class="jal-dock">${undo ?? nothing}${bar}</div>${this.#menuTemplate()}`;
  }

  get #selected(): Snapshot[] {
    return this.#list.content.shown.filter(({ id }) => this.selection.has(id));
  }

  /** Ask for a comparison of tasks: what is around the list shows it. */
  compare(ids: readonly string[]): void {
    this.#actions.compare(ids);
  }

  toggleGroup(title: string): void {
    this.#list.content.toggle(title);
    this.#list.requestUpdate();
  }

  /** Prepare a drawing, which may move or remove what has the focus. */
  beforeDrawing(): void {
    [this.#focus, this.#focusedStop] = [focusedTarget(this.#list), stopAt(this.#list)];
  }

  /** Finish a drawing. */
  afterDrawing(): void {
    this.#list.toggleAttribute("data-selecting", this.selection.size > 0);
    if (this.#focus) restoreFocus(this.#list, this.#focus, this.#focusedStop);
  }

  selectStop(stop: HTMLElement, extend: boolean): void {
    const { content } = this.#list;
    const group = stop.closest<HTMLElement>("[data-group]");
    const id = stop.closest<HTMLElement>("[data-task-id]")?.dataset.taskId;
    if (id === undefined)
      this.selection.toggleAll(content.ofGroup(group!.dataset.group!).map((task) => task.id));
    else if (extend) this.selection.extend(id, content.order);
    else this.selection.toggle(id);
  }

  selectAll(): void {
    this.selection.toggleAll(this.#list.content.shown.map(({ id }) => id));
  }

  removeAt(stop: HTMLElement | null): void {
    const id = stop?.closest<HTMLElement>("[data-task-id]")?.dataset.taskId;
    const selected = this.#selected;
    this.#actions.remove(
      selected.length > 0 ? selected : this.#list.content.drawn.filter((task) => task.id === id),
    );
  }

  clearSelection(): boolean {
    const { size } = this.selection;
    this.selection.clear();
    return size > 0;
  }

  readonly #onKeydown = (event: KeyboardEvent): void => onListKey(this, event);

  readonly #onFocus = (event: FocusEvent): void => {
    const id = (event.target as Element).closest<HTMLElement>(".jal-row")?.dataset.taskId;
    if (id === undefined || id === this.tabStop) return;
    this.tabStop = id;
    this.#list.requestUpdate();
  };

  /** Close the menu when something else is pressed. */
  readonly #onPointerDown = (event: PointerEvent): void => {
    if (this.#menu && !(event.target as Element).closest(".jal-menu, .jal-dots")) this.#closeMenu();
  };

  #openMenu(task: Snapshot, button: HTMLElement): void {
    const isOpen = this.#menu?.task === task.id;
    this.#menu = isOpen ? null : placeOf(task.id, button, this.#list);
    this.#list.requestUpdate();
    if (!isOpen) void this.#list.updateComplete.then(() => this.#focusMenu());
  }

  #focusMenu(): void {
    const item = this.#list.querySelector<HTMLElement>(".jal-item:not(:disabled)");
    item?.focus({ preventScroll: true });
    item?.closest(".jal-menu")?.scrollIntoView({ block: "nearest" });
  }

  #closeMenu(): void {
    this.#menu = null;
    this.#list.requestUpdate();
  }

  #menuTemplate(): TemplateResult | typeof nothing {
    const { content, now, host, isReadOnly: readOnly } = this.#list;
    const menu = this.#menu;
    const task = content.drawn.find(({ id }) => id === menu?.task);
    if (!menu || !task) return nothing;
    return rowMenu({
      menu,
      task,
      now,
      selected: this.selection.has(task.id),
      canOpenNotebook: Boolean(host?.openNotebook),
      readOnly,
      alike: content.shown.filter(({ name }) => name === task.name).length,
      choose: (item) => this.#choose(item, task),
    });
  }

  /** Do what an item of the menu says, and give the focus back to the row. */
  #choose(item: string, task: Snapshot): void {
    this.#closeMenu();
    rowOf(this.#list, task.id)?.querySelector<HTMLElement>(".jal-name")?.focus({ preventScroll: true });
    if (item === "copy") void copyText(task.id);
    else if (item === "alike") this.selection.add(this.#idsNamed(task.name));
    else if (item) void this.#actions.perform(item as RowAction, task);
  }

  #idsNamed(name: string): string[] {
    return this.#list.content.shown.filter((task) => task.name === name).map(({ id }) => id);
  }
}

/** A click with Shift selects tasks, and no text. */
function onMousedown(event: MouseEvent): void {
  if (event.shiftKey && (event.target as Element).closest(".jal-row")) event.preventDefault();
}
