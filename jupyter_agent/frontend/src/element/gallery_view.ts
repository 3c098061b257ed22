/** What a task showed: pictures, tables, anything a cell can show. */

import { LitElement, html, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Server } from "../net/server.js";
import type { Gallery, Shown } from "../model/conversation.js";
import { number, printable } from "../model/format.js";
import { loadRich } from "./lazy_modules.js";

/** What the page around the view can do for it. */
export interface Host {
  /** Draw a MIME bundle, with the page's own means and its idea of what is to be trusted. */
  render?(data: Record<string, unknown>, metadata: Record<string, unknown>, into: HTMLElement): Promise<void>;
  /** Go to where the task was started. */
  open?(task: unknown): void;
}

const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

export class GalleryView extends LitElement {
  static override properties = {
    gallery: { attribute: false },
    server: { attribute: false },
    host: { attribute: false },
    version: { attribute: false },
  };
  declare gallery: Gallery | null;
  declare server: Server | null;
  declare host: Host | null;
  declare version: number;
  readonly #drawn = new WeakMap<Element, Shown>();

  constructor() {
    super();
    this.gallery = this.server = this.host = null;
    this.version = 0;
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override render(): TemplateResult {
    const { shown = [], dropped = 0 } = this.gallery ?? {};
    return html`<div class="ja-gallery" ?hidden=${shown.length === 0}>
      <div class="ja-earlier" ?hidden=${dropped === 0}>${number(dropped)} earlier</div>
      ${repeat(
        shown,
        (one) => one.id,
        (one) => html`<div class="ja-shown" data-shown=${one.id}></div>`,
      )}
    </div>`;
  }

  protected override updated(): void {
    const boxes = this.querySelectorAll<HTMLElement>(".ja-shown");
    (this.gallery?.shown ?? []).forEach((one, at) => {
      const box = boxes[at];
      if (!box || this.#drawn.get(box) === one) return;
      this.#drawn.set(box, one);
      void this.#draw(one, box);
    });
  }

  async #draw(one: Shown, box: HTMLElement): Promise<void> {
    try {
      if (this.host?.render) await this.host.render(one.data, one.metadata, box);
      else await drawAlone(one, box, this.server);
    } catch (error) {
      box.textContent = textOf(one.data) || `This cannot be drawn: ${error}`;
    }
  }
}

/** Without a host: pictures, clean HTML, Markdown, text. */
async function drawAlone({ data }: Shown, box: HTMLElement, server: Server | null): Promise<void> {
  const picture = PICTURES.find((type) => typeof data[type] === "string");
  if (picture)
    return box.replaceChildren(
      image(`data:${picture};base64,${String(data[picture]).replace(/\s/g, "")}`, textOf(data)),
    );
  if (data["image/svg+xml"]) {
    return box.replaceChildren(
      image(`data:image/svg+xml,${encodeURIComponent(joined(data["image/svg+xml"]))}`, textOf(data)),
    );
  }
  const marked = data["text/html"] ?? data["text/markdown"];
  if (marked && server) {
    const rich = await loadRich(server);
    box.innerHTML = data["text/html"] ? rich.sanitize(joined(marked)) : rich.markdown(joined(marked));
    box.classList.add("ja-said-html");
    return;
  }
  box.textContent = textOf(data);
  box.classList.add("ja-plain");
}

/** A picture by address cannot run anything, not even as SVG. */
function image(src: string, alt: string): HTMLImageElement {
  return Object.assign(document.createElement("img"), { src, alt: alt || "A picture that the task showed" });
}

function textOf(data: Record<string, unknown>): string {
  return printable(joined(data["text/plain"] ?? ""));
}

function joined(value: unknown): string {
  return Array.isArray(value) ? value.join("") : String(value);
}
