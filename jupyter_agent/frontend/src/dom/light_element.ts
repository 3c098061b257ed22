/** A Lit element without a shadow root, so that the page's styles and selections reach into it. */

import { LitElement } from "lit";

/** The declaration of a property that scripts set, and no attribute. */
export const SCRIPT_ONLY = { attribute: false };
/** The declaration of an element's own reactive state. */
export const STATE = { state: true };

export class LightElement extends LitElement {
  protected override createRenderRoot(): HTMLElement {
    return this;
  }
}
