/** `<jupyter-agent-gallery>`: the images, tables and other MIME bundles that a task displayed. */

import { html, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { LightElement, SCRIPT_ONLY } from "../dom/light_element.js";
import type { Server } from "../net/server.js";
import type { Display, Gallery } from "../model/gallery.js";
import { formatNumber, printable } from "../model/format.js";
import type { CellPlace } from "../model/traceback.js";
import { loadRich } from "./lazy_modules.js";

/** The page around a view: what it can do for the view. */
export interface Host {
  /** Draw a MIME bundle with the page's own renderers and trust. */
  render?(data: Record<string, unknown>, metadata: Record<string, unknown>, into: HTMLElement): Promise<void>;
  /** Go to the cell that started the task. */
  open?(task: unknown): void;
  /** Go to the task's notebook: the one that started it, or that ran as the task. */
  openNotebook?(task: unknown): void;
  /** Go to a line of a cell, as in a traceback. */
  openCell?(task: unknown, place: CellPlace): void;
  /** Return what runs the cell around this view again; null without one that started the task. */
  rerun?(task: unknown): (() => void) | null;
  /** Return whether only its file keeps what this notebook shows: no other page has it open, nor the server. */
  isAlone?(): boolean;
}

const IMAGE_TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

export class GalleryView extends LightElement {
  static override properties = {
    gallery: SCRIPT_ONLY,
    server: SCRIPT_ONLY,
    host: SCRIPT_ONLY,
    version: SCRIPT_ONLY,
  };
  declare gallery: Gallery | null;
  declare server: Server | null;
  declare host: Host | null;
  declare version: number;
  readonly #drawn = new WeakMap<Element, Display>();

  constructor() {
    super();
    this.gallery = this.server = this.host = null;
    this.version = 0;
  }

  protected override render(): TemplateResult {
    const { displays = [], dropped = 0 } = this.gallery ?? {};
    return html`<div class="ja-gallery" ?hidden=${displays.length === 0}>
      <div class="ja-earlier" ?hidden=${dropped === 0}>${formatNumber(dropped)} earlier</div>
      ${repeat(
        displays,
        (one) => one.id,
        (one) => html`<div class="ja-shown" data-shown=${one.id}></div>`,
      )}
    </div>`;
  }

  protected override updated(): void {
    const boxes = this.querySelectorAll<HTMLElement>(".ja-shown");
    (this.gallery?.displays ?? []).forEach((one, at) => {
      const box = boxes[at];
      if (!box || this.#drawn.get(box) === one) return;
      this.#drawn.set(box, one);
      void this.#draw(one, box);
    });
  }

  async #draw(one: Display, box: HTMLElement): Promise<void> {
    try {
      if (this.host?.render) await this.host.render(one.data, one.metadata, box);
      else await drawWithoutHost(one, box, this.server);
    } catch (error) {
      box.textContent = textOf(one.data) || `This cannot be drawn: ${String(error)}`;
    }
  }
}

/** Draw images, sanitized HTML, Markdown and text without a host. */
async function drawWithoutHost({ data }: Display, box: HTMLElement, server: Server | null): Promise<void> {
  const picture = IMAGE_TYPES.find((type) => typeof data[type] === "string");
  if (picture)
    return box.replaceChildren(
      image(`data:${picture};base64,${String(data[picture]).replace(/\s/g, "")}`, textOf(data)),
    );
  if (data["image/svg+xml"]) {
    return box.replaceChildren(
      image(`data:image/svg+xml,${encodeURIComponent(joinLines(data["image/svg+xml"]))}`, textOf(data)),
    );
  }
  const marked = data["text/html"] ?? data["text/markdown"];
  if (marked && server) {
    const rich = await loadRich(server);
    box.innerHTML = data["text/html"] ? rich.sanitize(joinLines(marked)) : rich.markdown(joinLines(marked));
    box.classList.add("ja-said-html");
    return;
  }
  box.textContent = textOf(data) || Object.keys(data).join(", ");
  box.classList.add("ja-plain");
}

/** Return an image element. In it not even SVG can run scripts. */
function image(src: string, alt: string): HTMLImageElement {
  return Object.assign(document.createElement("img"), { src, alt: alt || "A picture that the task showed" });
}

function textOf(data: Record<string, unknown>): string {
  return printable(joinLines(data["text/plain"] ?? ""));
}

function joinLines(value: unknown): string {
  return Array.isArray(value) ? value.join("") : String(value);
}
