/** When to draw. */

/** Milliseconds between two drawings of what nobody sees. */
const UNSEEN = 1000;

export class Frames {
  #seen = true;
  #draw = () => {};

  /** Whether somebody sees what is drawn. What waited for that is drawn now. */
  see(seen: boolean): void {
    this.#seen = seen;
    if (seen) this.#draw();
  }

  /** Resolves with the next frame; of what nobody sees, after a second. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#draw = resolve;
      if (this.#seen && !document.hidden) requestAnimationFrame(() => resolve());
      else setTimeout(resolve, UNSEEN);
    });
  }
}
