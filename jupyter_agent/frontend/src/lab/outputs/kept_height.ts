/** The height of a cell's outputs: while a run or a task in it goes on, what is below never moves up. */

import type { Cell, CodeCell, ICodeCellModel } from "@jupyterlab/cells";
import { NotebookActions } from "@jupyterlab/notebook";
import type { Widget } from "@lumino/widgets";
import type { TaskElement } from "../../element/index.js";
import { END_STATES } from "../../model/reducer.js";

const VIEW = "jupyter-agent-task";
/** One output, in JupyterLab's area of outputs. */
const OUTPUT = ".jp-OutputArea-child";
const known = new WeakMap<HTMLElement, KeptHeight>();

/** Keep the heights of cells that show a task, whenever they are run again. */
export function watchRuns(): void {
  NotebookActions.executionScheduled.connect((_, { cell }) => {
    const { outputArea, model } = cell as Cell & Partial<Pick<CodeCell, "outputArea">>;
    if (!outputArea?.node.querySelector(VIEW)) return;
    const kept = keepHeight(outputArea);
    kept.isRunning = () => (model as ICodeCellModel).executionState === "running";
    model.stateChanged.connect(kept.endSoon);
  });
}

/** Keep the height of a cell's outputs until its run and its tasks have ended. Idempotent. */
export function keepHeight({ node }: Widget): KeptHeight {
  let kept = known.get(node);
  if (!kept) known.set(node, (kept = new KeptHeight(node)));
  kept.start();
  return kept;
}

class KeptHeight {
  isRunning = (): boolean => false;
  readonly #node: HTMLElement;
  /** Pixels; 0: none is kept. */
  #height = 0;
  #width = 0;
  readonly #sizes = new ResizeObserver(() => this.#follow());
  readonly #children = new MutationObserver(() => this.#onChildren());

  /** `node`: that of the area of outputs. */
  constructor(node: HTMLElement) {
    this.#node = node;
  }

  start(): void {
    const { height, width } = this.#node.getBoundingClientRect();
    if (this.#height > 0 || height === 0) return; // it is kept already, or not in sight
    [this.#height, this.#width] = [height, width];
    this.#apply();
    this.#observe();
    this.#children.observe(this.#node, { childList: true });
    this.#node.addEventListener("ja-ended", this.endSoon);
    this.#node.addEventListener("click", this.#onClick);
  }

  /** End, unless something goes on, after the views have drawn how their tasks ended. */
  readonly endSoon = (): void => {
    requestAnimationFrame(() => requestAnimationFrame(() => this.#isActive || this.#end()));
  };

  get #isActive(): boolean {
    const views = [...this.#node.querySelectorAll<TaskElement>(VIEW)];
    return this.isRunning() || views.some(({ task }) => !END_STATES.has(task.state));
  }

  /** Outputs that were cleared, and are not those of a new run, leave no gap. */
  #onChildren(): void {
    this.#observe();
    if (!this.#node.querySelector(OUTPUT)) this.endSoon();
  }

  #observe(): void {
    this.#sizes.disconnect();
    for (const child of this.#node.children) this.#sizes.observe(child);
  }

  /** Grow with the outputs. Another width makes all heights others. */
  #follow(): void {
    const { width } = this.#node.getBoundingClientRect();
    const height = this.#contentHeight();
    if (width === 0 || (width === this.#width && height <= this.#height)) return;
    [this.#height, this.#width] = [height, width];
    this.#apply();
  }

  #contentHeight(): number {
    const last = [...this.#node.children].at(-1);
    return last ? last.getBoundingClientRect().bottom - this.#node.getBoundingClientRect().top : 0;
  }

  /** JupyterLab sets and removes `min-height`, which is another property. */
  #apply(): void {
    this.#node.style.minBlockSize = this.#height === 0 ? "" : `${this.#height}px`;
  }

  /** What a reader folds may get shorter; what is pressed in a conversation or a head may not. */
  readonly #onClick = ({ target }: Event): void => {
    const pressed = target as Element;
    if (pressed.closest("jupyter-agent-talk, .ja-head") && !pressed.closest("[aria-expanded]")) return;
    this.#height = 1;
    requestAnimationFrame(() => requestAnimationFrame(() => this.#follow()));
  };

  #end(): void {
    this.#sizes.disconnect();
    this.#children.disconnect();
    this.#node.removeEventListener("ja-ended", this.endSoon);
    this.#node.removeEventListener("click", this.#onClick);
    this.#height = 0;
    this.#apply();
  }
}
