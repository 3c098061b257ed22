/** The keyboard focus and the scrolling of the page's two panes. */

type PaneName = "list" | "task";

export class PaneFocus {
  readonly #page: HTMLElement;
  /** What had the focus when a task was opened. */
  #opener: HTMLElement | null = null;
  #scrolled = 0;

  constructor(page: HTMLElement) {
    this.#page = page;
  }

  /** Call before a task is opened beside the view alone. */
  remember(): void {
    const { activeElement } = document;
    this.#opener = activeElement instanceof HTMLElement ? activeElement : null;
    this.#scrolled = this.#pane("list")?.scrollTop ?? 0;
  }

  /** Move the focus into the open task, and its row into sight. */
  toTask(task: string): void {
    this.#pane("task")?.focus({ preventScroll: true });
    const [list, row] = [this.#pane("list"), this.#rowOf(task)];
    if (list && row && !isInside(row, list)) row.scrollIntoView({ block: "center" });
  }

  /** Show the view as it was before the task was opened, with the focus on the task's row. */
  toView(task: string): void {
    const list = this.#pane("list");
    if (list) list.scrollTop = this.#scrolled;
    if (list?.contains(document.activeElement)) return;
    const link = this.#rowOf(task)?.querySelector<HTMLElement>("a, button");
    const target = link ?? (this.#opener?.isConnected ? this.#opener : list);
    target?.focus({ preventScroll: true });
  }

  #pane(name: PaneName): HTMLElement | null {
    return this.#page.querySelector(`.jap-${name}`);
  }

  #rowOf(task: string): HTMLElement | null {
    const rows = this.#page.querySelectorAll<HTMLElement>(".jap-list [data-task-id]");
    return [...rows].find((row) => row.dataset.taskId === task) ?? null;
  }
}

function isInside(row: HTMLElement, list: HTMLElement): boolean {
  const [inner, outer] = [row.getBoundingClientRect(), list.getBoundingClientRect()];
  return inner.top >= outer.top && inner.bottom <= outer.bottom;
}
