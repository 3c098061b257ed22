/** The pace of drawing: each frame, or once a second while nothing can be seen. */

/** Milliseconds between two drawings that cannot be seen. */
const HIDDEN_INTERVAL = 1000;

export class FrameScheduler {
  #visible = true;
  #draw = () => {};

  /** Record whether the drawing can be seen. Once it can, a waiting drawing goes ahead at once. */
  setVisible(visible: boolean): void {
    this.#visible = visible;
    if (visible) this.#draw();
  }

  /** Resolve with the next frame, or after `HIDDEN_INTERVAL` while the drawing cannot be seen. */
  nextFrame(): Promise<void> {
    return new Promise((resolve) => {
      this.#draw = resolve;
      if (this.#visible && !document.hidden) requestAnimationFrame(() => resolve());
      else setTimeout(resolve, HIDDEN_INTERVAL);
    });
  }
}
