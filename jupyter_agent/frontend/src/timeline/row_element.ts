/** `<jupyter-agent-timeline-row>`: the bars of a row, drawn when it comes into sight, a few in each frame. */

import type { TemplateResult } from "lit";
import { DrawQueue } from "../dom/draw_queue.js";
import { LightElement, STATE } from "../dom/light_element.js";
import { type RowProps, rowView } from "./bars.js";
import { isSameRow, type Row } from "./rows.js";

/** Bars that one drawing adds. */
const CHUNK = 150;
/** Pixels outside the visible part within which a row is drawn already: of the window, and of what scrolls in it. */
const NEARBY = { rootMargin: "200px", scrollMargin: "200px" };

const queue = new DrawQueue();
const sights = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) (target as HTMLElement & Seen).isNear = isIntersecting;
}, NEARBY);

interface Seen {
  /** Whether the row is in sight, or nearly. */
  isNear: boolean;
}

export class RowElement extends LightElement implements Seen {
  static override properties = {
    row: { attribute: false, hasChanged: (now: Row, before?: Row) => !before || !isSameRow(now, before) },
    props: { attribute: false, hasChanged: differ },
    isNear: STATE,
    count: STATE,
  };
  declare row: Row;
  declare props: RowProps;
  declare isNear: boolean;
  /** Bars that are drawn, the newest first. */
  declare count: number;

  constructor() {
    super();
    [this.isNear, this.count] = [false, 0];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    sights.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    sights.unobserve(this);
    this.isNear = false; // what it misses is drawn when it is seen again
  }

  protected override scheduleUpdate(): Promise<void> {
    return new Promise((resolve) => queue.add(() => resolve(super.scheduleUpdate() as undefined)));
  }

  /** Out of sight, what was drawn stays as it is. */
  protected override shouldUpdate(): boolean {
    return this.isNear && this.isConnected;
  }

  protected override willUpdate(): void {
    this.count = Math.min(this.row.bars.length, this.count + CHUNK);
  }

  protected override render(): TemplateResult {
    return rowView(this.row, this.count, this.props);
  }

  protected override updated(): void {
    if (this.count < this.row.bars.length) this.requestUpdate();
  }
}

function differ(now: RowProps, before?: RowProps): boolean {
  if (!before) return true;
  const { window, ...others } = now;
  const isSame = (Object.keys(others) as (keyof typeof others)[]).every((key) => now[key] === before[key]);
  return !isSame || window.from !== before.window.from || window.to !== before.window.to;
}
