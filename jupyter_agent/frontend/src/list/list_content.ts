/** What a list shows: the tasks that its search finds, in their order and groups, and which of them have rows. */

import type { Snapshot } from "../net/types.js";
import { type Group, groupTasks, type ListView, PLAIN_VIEW, sortTasks } from "./filters/arrange.js";
import { searchTasks } from "./filters/query.js";

export class ListContent {
  /** The tasks that the search finds. */
  shown: readonly Snapshot[] = [];
  /** Their groups; null: one list. */
  groups: readonly Group[] | null = null;
  /** The tasks that have rows, from top to bottom. */
  drawn: readonly Snapshot[] = [];
  /** Whether some tasks have no rows because there are too many. */
  isCut = false;
  #view = PLAIN_VIEW;
  /** The groups that the user has opened, or closed where they are open at first. */
  readonly #toggled = new Set<string>();

  /** The ids of `drawn`. */
  get order(): readonly string[] {
    return this.drawn.map(({ id }) => id);
  }

  update(all: readonly Snapshot[], view: ListView, now: number, maxRows: number): void {
    if (view.group !== this.#view.group) this.#toggled.clear();
    this.#view = view;
    this.shown = sortTasks(searchTasks(all, view.query, now), view, now);
    this.groups = view.group ? groupTasks(this.shown, view.group) : null;
    const open = this.groups?.flatMap(({ title, tasks }) => (this.isOpen(title) ? tasks : [])) ?? this.shown;
    [this.drawn, this.isCut] = [open.slice(0, maxRows), open.length > maxRows];
  }

  /** Groups are closed at first, unless there is only one. */
  isOpen(title: string): boolean {
    return this.#toggled.has(title) !== (this.groups?.length === 1);
  }

  toggle(title: string): void {
    if (!this.#toggled.delete(title)) this.#toggled.add(title);
  }

  /** Return the tasks of a group. */
  ofGroup(title: string): readonly Snapshot[] {
    return this.groups?.find((group) => group.title === title)?.tasks ?? [];
  }
}
