/** A queue of drawings, paced: what can be seen within the budget of a frame, and one of what cannot. */

/** Milliseconds of a frame that drawing may take: the browser's layout and painting come on top of it. */
const FRAME_BUDGET = 6;

export class DrawQueue {
  readonly #seen = new Set<() => void>();
  readonly #unseen = new Set<() => void>();
  #frame = 0;

  /** Draw in one of the next frames; again before that is the same drawing. */
  add(draw: () => void, isSeen = true): void {
    (isSeen ? this.#unseen : this.#seen).delete(draw);
    (isSeen ? this.#seen : this.#unseen).add(draw);
    this.#frame ||= requestAnimationFrame(() => this.#drawSome());
  }

  drop(draw: () => void): void {
    this.#seen.delete(draw);
    this.#unseen.delete(draw);
  }

  #drawSome(): void {
    const end = performance.now() + FRAME_BUDGET;
    try {
      do drawFirst(this.#seen);
      while (this.#seen.size > 0 && performance.now() < end);
      drawFirst(this.#unseen);
    } finally {
      const isMore = this.#seen.size + this.#unseen.size > 0; // one that fails keeps no other waiting
      this.#frame = isMore ? requestAnimationFrame(() => this.#drawSome()) : 0;
    }
  }
}

function drawFirst(waiting: Set<() => void>): void {
  const [draw] = waiting;
  if (!draw) return;
  waiting.delete(draw);
  draw();
}
