/** An element that follows the server: drawn once a frame at most, and once a second while it cannot be seen. */

import { FrameScheduler } from "./frame_scheduler.js";
import { LightElement } from "./light_element.js";

export abstract class PacedElement extends LightElement {
  readonly #scheduler = new FrameScheduler();
  readonly #visibility = new IntersectionObserver((entries) =>
    this.#scheduler.setVisible(entries.at(-1)?.isIntersecting ?? true),
  );
  #clock = 0;

  /** Called once a second while the element is on a page. */
  protected abstract tick(): void;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#visibility.observe(this);
    this.#clock = window.setInterval(() => this.tick(), 1000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#visibility.disconnect();
    clearInterval(this.#clock);
  }

  protected override async scheduleUpdate(): Promise<void> {
    await this.#scheduler.nextFrame();
    void super.scheduleUpdate();
  }
}
