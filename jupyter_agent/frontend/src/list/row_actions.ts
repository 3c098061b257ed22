/** The actions of rows: what their links and buttons do. */

import type { Host } from "../element/index.js";
import type { TaskListStore } from "../model/task_list_store.js";
import type { Snapshot } from "../net/types.js";
import { rowOf } from "./focus.js";
import type { PendingActions } from "./pending_actions.js";
import { chosenAnswer, type RowAction } from "./row.js";

/** The list whose rows are acted on. */
export interface ActionList extends HTMLElement {
  readonly tasks: readonly Snapshot[];
  readonly host: Host | null;
  readonly updateComplete: Promise<boolean>;
  requestUpdate(): void;
}

export class RowActions {
  /** The task whose deletion has to be confirmed; empty: none. */
  confirming = "";

  readonly #list: ActionList;
  readonly #store: () => TaskListStore | null;
  readonly #pending: PendingActions;

  /** `store`: the list's store; null without a server. */
  constructor(list: ActionList, store: () => TaskListStore | null, pending: PendingActions) {
    this.#list = list;
    this.#store = store;
    this.#pending = pending;
  }

  readonly onClick = (event: MouseEvent): void => {
    const pressed = (event.target as Element).closest<HTMLElement>("[data-act]");
    const id = pressed?.closest<HTMLElement>("[data-task-id]")?.dataset.taskId;
    const task = this.#list.tasks.find((one) => one.id === id);
    if (!pressed || !task) return;
    const action = pressed.dataset.act as RowAction;
    if (action === "open" && (event.ctrlKey || event.metaKey || event.shiftKey)) return; // another tab or window
    event.preventDefault();
    void this.#perform(action, task);
  };

  readonly onKeydown = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !this.confirming) return;
    event.stopPropagation();
    void this.#confirm("", this.confirming, "delete");
  };

  #perform(action: RowAction, task: Snapshot): Promise<void> | void {
    switch (action) {
      case "open":
        return this.#dispatch("ja-open", task);
      case "notebook":
        return this.#list.host?.open?.(task);
      case "delete":
        return this.#confirm(task.id, task.id, "keep");
      case "keep":
        return this.#confirm("", task.id, "delete");
      case "remove":
        return this.#remove(task);
      case "cancel":
      case "retry":
        return this.#pending.run(task.id, action, () => this.#command(task, action));
      default:
        return this.#answer(task, action);
    }
  }

  #dispatch(name: string, task: Snapshot): void {
    this.#list.dispatchEvent(new CustomEvent<Snapshot>(name, { bubbles: true, detail: task }));
  }

  /** Ask to confirm the deletion of `id` (empty: stop asking), and move the focus to the button `focus` of `row`. */
  async #confirm(id: string, row: string, focus: RowAction): Promise<void> {
    const before = document.activeElement;
    this.#setConfirming(id);
    await this.#list.updateComplete;
    if (before?.isConnected && before !== document.activeElement) return; // the user has moved the focus meanwhile
    rowOf(this.#list, row)?.querySelector<HTMLElement>(`[data-act="${focus}"]`)?.focus();
  }

  #setConfirming(id: string): void {
    this.confirming = id;
    this.#list.requestUpdate();
  }

  async #remove(task: Snapshot): Promise<void> {
    const row = rowOf(this.#list, task.id);
    const next = row?.nextElementSibling ?? row?.previousElementSibling;
    this.#setConfirming("");
    const remove = () => this.#store()?.remove(task.id) ?? Promise.resolve(null);
    await this.#pending.run(task.id, "remove", remove);
    if (this.#pending.refusal(task.id) === "") this.#dispatch("ja-removed", task);
    await this.#list.updateComplete;
    const focus = rowOf(this.#list, task.id) ?? next ?? this.#list;
    if (this.#list.contains(document.activeElement)) return;
    focus.querySelector<HTMLElement>("[data-act], input")?.focus();
  }

  /** Send the answer of a choice. A choice that is still drawn is no answer to the next question. */
  #answer(task: Snapshot, action: RowAction): Promise<void> | void {
    const answer = chosenAnswer(task, action);
    if (answer) return this.#pending.run(task.id, action, () => this.#command(task, "input", answer));
  }

  async #command({ id, attempt }: Snapshot, command: string, args: object = {}): Promise<string | null> {
    const reply = await this.#store()?.connection.command(id, attempt, command, args);
    return reply?.ok ? null : (reply?.message ?? "The server refused.");
  }
}
