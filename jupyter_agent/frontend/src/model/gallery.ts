/** The gallery of a task: the MIME bundles that it displayed. */

import type { TaskEvent } from "../net/types.js";

/** Displays that are kept; the oldest are dropped first. */
const MAX_DISPLAYS = 50;

/** One MIME bundle. */
export interface Display {
  readonly id: string;
  readonly data: Record<string, unknown>;
  readonly metadata: Record<string, unknown>;
}

/** The newest displays; one with a known `display_id` replaces the previous one, an empty one removes it. */
export class Gallery {
  displays: Display[] = [];
  /** Number of displays that were dropped. */
  dropped = 0;
  /** Incremented by every change. */
  version = 0;
  #lastOffset = -1;

  add(event: TaskEvent): void {
    if (event.type !== "display" || event.offset <= this.#lastOffset || event.flag === "bad_data") return;
    this.#lastOffset = event.offset;
    this.version += 1;
    const { data = {}, metadata, display_id } = event.data;
    const made = { id: display_id ? `d${display_id}` : `o${event.offset}`, data, metadata: metadata ?? {} };
    const known = this.displays.findIndex((one) => one.id === made.id);
    if (Object.keys(data).length === 0) this.displays = this.displays.filter((one) => one.id !== made.id);
    else if (known >= 0) this.displays = this.displays.with(known, made);
    else this.#push(made);
  }

  clear(): void {
    this.displays = [];
    this.dropped = 0;
    this.#lastOffset = -1;
    this.version += 1;
  }

  #push(made: Display): void {
    this.displays = [...this.displays, made];
    if (this.displays.length <= MAX_DISPLAYS) return;
    this.displays = this.displays.slice(1);
    this.dropped += 1;
  }
}
