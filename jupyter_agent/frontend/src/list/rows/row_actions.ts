/** The actions on tasks: what links and buttons of rows, the menu and the bar of the selection do. */

import type { Host } from "../../element/index.js";
import { canRetry, END_STATES } from "../../model/reducer.js";
import type { TaskListStore } from "../../model/task_list_store.js";
import { errorMessageOf } from "../../net/server.js";
import type { Snapshot } from "../../net/types.js";
import type { ListContent } from "../list_content.js";
import type { Selection } from "../selection/selection.js";
import { DelayedActions } from "../undo/delayed_actions.js";
import type { PendingActions } from "../pending_actions.js";
import { chosenAnswer, type RowAction } from "./row.js";

/** The list whose rows are acted on. */
export interface ActionList extends HTMLElement {
  readonly tasks: readonly Snapshot[];
  readonly host: Host | null;
  readonly content: ListContent;
  /** Whether the user may not command and delete tasks. */
  readonly isReadOnly: boolean;
}

export class RowActions {
  readonly #list: ActionList;
  readonly #selection: Selection;
  readonly #store: () => TaskListStore | null;
  readonly #pending: PendingActions;
  readonly #openMenu: (task: Snapshot, button: HTMLElement) => void;

  /** `store`: the list's store; null without a server. */
  constructor(
    list: ActionList,
    selection: Selection,
    store: () => TaskListStore | null,
    pending: PendingActions,
    openMenu: (task: Snapshot, button: HTMLElement) => void,
  ) {
    [this.#list, this.#selection, this.#store] = [list, selection, store];
    [this.#pending, this.#openMenu] = [pending, openMenu];
  }

  /** Do what was clicked; a click on a row beside its buttons opens the task. */
  readonly onClick = (event: MouseEvent): void => {
    const row = (event.target as Element).closest<HTMLElement>("[data-task-id]");
    const task = this.#list.tasks.find((one) => one.id === row?.dataset.taskId);
    if (!task) return;
    const pressed = (event.target as Element).closest<HTMLElement>("[data-act]");
    if (!pressed && (isSelectingText() || isBesideCheckbox(event))) return;
    this.#onAct((pressed?.dataset.act ?? "open") as RowAction, task, pressed, event);
  };

  #onAct(action: RowAction, task: Snapshot, pressed: HTMLElement | null, event: MouseEvent): void {
    const [selection, { order }] = [this.#selection, this.#list.content];
    if (action === "select")
      return event.shiftKey ? selection.extend(task.id, order) : selection.toggle(task.id);
    if (action === "open" && (event.ctrlKey || event.metaKey)) return; // another tab
    event.preventDefault();
    if (action === "open" && event.shiftKey && this.#store()) selection.extend(task.id, order);
    else if (action === "menu") this.#openMenu(task, pressed!);
    else void this.perform(action, task);
  }

  perform(action: RowAction, task: Snapshot): Promise<void> | void {
    switch (action) {
      case "open":
        return this.#dispatch("ja-open", task);
      case "select":
        return this.#selection.toggle(task.id);
      case "notebook":
        return this.#list.host?.openNotebook?.(task);
      case "delete":
        return this.remove([task]);
      case "cancel":
      case "retry":
        return this.#pending.run(task.id, action, () => this.#command(task, action));
      default:
        return this.#answer(task, action);
    }
  }

  /** Delete the ended ones of these tasks, unless the user undoes it within some seconds. */
  remove(tasks: readonly Snapshot[]): void {
    const [store, ended] = [this.#store(), tasks.filter(({ state }) => END_STATES.has(state))];
    if (!store || this.#list.isReadOnly || ended.length === 0) return;
    const run = ({ id }: Snapshot, leaving: boolean) => store.remove(id, leaving);
    DelayedActions.of(store.connection).start({ verb: "delete", tasks: ended, run });
    for (const task of ended) this.#dispatch("ja-removed", task);
  }

  /** Cancel the active ones of these tasks; several of them with a chance to undo it. */
  cancel(tasks: readonly Snapshot[]): void {
    const [store, active] = [this.#store(), tasks.filter(({ state }) => !END_STATES.has(state))];
    if (!store || active.length === 0) return;
    if (active.length === 1) return void this.perform("cancel", active[0]!);
    const run = async (task: Snapshot, leaving: boolean) => cancelByRequest(store, task, leaving);
    DelayedActions.of(store.connection).start({ verb: "cancel", tasks: active, run });
  }

  compare(ids: readonly string[]): void {
    this.#list.dispatchEvent(new CustomEvent<string[]>("ja-compare", { bubbles: true, detail: [...ids] }));
  }

  retry(tasks: readonly Snapshot[]): void {
    for (const task of tasks.filter(canRetry)) void this.perform("retry", task);
  }

  #dispatch(name: string, task: Snapshot): void {
    this.#list.dispatchEvent(new CustomEvent<Snapshot>(name, { bubbles: true, detail: task }));
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

/** Cancel by HTTP: unlike a frame of the socket, such a request outlives the page. */
async function cancelByRequest(
  { server }: TaskListStore,
  { id, attempt }: Snapshot,
  leaving: boolean,
): Promise<string | null> {
  const body = JSON.stringify({ command: "cancel", attempt });
  const headers = { "Content-Type": "application/json" };
  const path = `tasks/${encodeURIComponent(id)}/commands`;
  const response = await server
    .fetch(path, { method: "POST", body, headers, keepalive: leaving })
    .catch(() => null);
  if (!response) return "The server does not answer.";
  return response.ok || response.status === 409 ? null : errorMessageOf(response); // 409: it has ended meanwhile
}

/** The browser clicks the checkbox next, if there is one. */
function isBesideCheckbox(event: MouseEvent): boolean {
  return (event.target as Element).closest(".jal-mark") !== null;
}

function isSelectingText(): boolean {
  return getSelection()?.isCollapsed === false;
}
