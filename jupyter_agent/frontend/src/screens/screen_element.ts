/** `<jupyter-agent-screen>`: shows a view as soon as its file is loaded. */

import { html, type PropertyValues, type TemplateResult } from "lit";
import { LightElement, SCRIPT_ONLY, STATE } from "../dom/light_element.js";
import { loadModule } from "../element/lazy_modules.js";
import type { Server } from "../net/server.js";
import type { View } from "./views.js";

export class ScreenElement extends LightElement {
  static override properties = {
    server: SCRIPT_ONLY,
    view: SCRIPT_ONLY,
    values: SCRIPT_ONLY,
    content: STATE,
    refused: STATE,
  };
  declare server: Server;
  declare view: View;
  /** More properties of the view's element: `ViewProperties`, or what a page has for it alone. */
  declare values: object;
  /** The view's element; null until it is loaded. */
  declare content: HTMLElement | null;
  declare refused: boolean;

  constructor() {
    super();
    this.content = null;
    this.refused = false;
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has("view")) void this.#load(this.view);
    if (this.content) Object.assign(this.content, { server: this.server, ...this.values });
  }

  async #load(view: View): Promise<void> {
    [this.content, this.refused] = [null, false];
    const loaded = await loadModule(this.server, view.file).then(
      () => true,
      () => false,
    );
    if (view !== this.view) return;
    if (loaded) this.content = document.createElement(view.element);
    else this.refused = true;
  }

  protected override render(): TemplateResult {
    if (!this.refused) return html`${this.content}`;
    return html`<p class="jap-missing" role="alert">This view could not be loaded from the server.
      <button type="button" @click=${() => void this.#load(this.view)}>Try again</button></p>`;
  }
}

const NAME = "jupyter-agent-screen";
if (!customElements.get(NAME)) customElements.define(NAME, ScreenElement);
