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
  /** Whether a look at what goes on is due, and one more after it. */
  #isDue = false;
  #isDueAgain = false;
  readonly #sizes = new ResizeObserver(() => this.#follow());
  readonly #children = new MutationObserver((changes) => this.#onChildren(changes));

  /** `node`: that of the area of outputs. */
  constructor(node: HTMLElement) {
    this.#node = node;
  }

  start(): void {
    if (this.#height > 0) return; // it is kept already: each view of many says so, and to measure lays out the page
    const { height, width } = this.#node.getBoundingClientRect();
    if (height === 0) return; // it is not in sight
    [this.#height, this.#width] = [height, width];
    this.#apply();
    for (const child of this.#node.children) this.#sizes.observe(child);
    this.#children.observe(this.#node, { childList: true });
    this.#node.addEventListener("ja-ended", this.endSoon);
    this.#node.addEventListener("click", this.#onClick);
  }

  /** End, unless something goes on, after the views have drawn how their tasks ended. */
  readonly endSoon = (): void => {
    this.#isDueAgain = this.#isDue;
    if (this.#isDue) return;
    this.#isDue = true;
    const look = () => {
      this.#isDue = false;
      if (this.#isDueAgain) this.endSoon();
      else if (!this.#isActive) this.#end();
    };
    requestAnimationFrame(() => requestAnimationFrame(look));
  };

  get #isActive(): boolean {
    const views = [...this.#node.querySelectorAll<TaskElement>(VIEW)];
    return this.isRunning() || views.some(({ task }) => !END_STATES.has(task.state));
  }

  /** Outputs that were cleared, and are not those of a new run, leave no gap. */
  #onChildren(changes: MutationRecord[]): void {
    for (const { addedNodes, removedNodes } of changes) {
      for (const node of removedNodes) this.#sizes.unobserve(node as Element);
      for (const node of addedNodes) this.#sizes.observe(node as Element);
    }
    if (!this.#node.querySelector(OUTPUT)) this.endSoon();
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
