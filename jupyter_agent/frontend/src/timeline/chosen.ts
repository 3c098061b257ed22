/** The axis with the brush above the rows, and the list of the tasks in the chosen time below them. */

import { html, nothing, type TemplateResult } from "lit";
import { formatMoment, formatNumber } from "../model/format.js";
import type { Server } from "../net/server.js";
import type { Snapshot } from "../net/types.js";
import type { Range } from "./spans.js";
import { markText, marksOf, shareOf } from "./window.js";

const MARKS = 6;
/** Tasks in the list. */
const MAX_LISTED = 100;

export interface HeadProps {
  readonly window: Range;
  readonly brush: Range | null;
  readonly now: number;
  onKey(event: KeyboardEvent, end: "from" | "to"): void;
}

export function plotHead({ window, brush, now, onKey }: HeadProps): TemplateResult {
  const at = (time: number) => `${shareOf(time, window) * 100}%`;
  const range = brush ?? window;
  const isNowShown = now >= window.from && now <= window.to;
  return html`<div class="jat-axis"><div class="jat-scale">
      ${marksOf(window, MARKS).map((mark) => html`<span class="jat-time" .style=${`left:${at(mark)}`}><span>${markText(mark, window)}</span></span>`)}
      <span class="jat-brush" ?hidden=${!brush} .style=${`left:${at(range.from)};width:${(shareOf(range.to, window) - shareOf(range.from, window)) * 100}%`}></span>
      ${(["from", "to"] as const).map((end) => handle(end, range, window, (event) => onKey(event, end)))}
      <span class="jat-now" ?hidden=${!isNowShown} .style=${`left:${at(now)}`} title="Now"></span>
    </div></div>`;
}

function handle(
  end: "from" | "to",
  range: Range,
  window: Range,
  onKey: (event: KeyboardEvent) => void,
): TemplateResult {
  const share = shareOf(range[end], window);
  return html`<span class="jat-handle" data-end=${end} role="slider" tabindex="0" aria-label=${end === "from" ? "Chosen from" : "Chosen until"}
    aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(share * 100)} aria-valuetext=${clock(range[end])}
    .style=${`left:${share * 100}%`} @keydown=${onKey}></span>`;
}

export interface ChosenProps {
  readonly server: Server;
  /** Newest first. */
  readonly tasks: readonly Snapshot[];
  readonly current: string | null;
  /** The chosen time; null: all of the window. */
  readonly range: Range | null;
  clear(): void;
  zoom(): void;
}

export function chosenTasks({ server, tasks, current, range, clear, zoom }: ChosenProps): TemplateResult {
  const count = `${formatNumber(tasks.length)} ${tasks.length === 1 ? "task" : "tasks"}`;
  const listed = tasks.slice(0, MAX_LISTED);
  const more = tasks.length > MAX_LISTED ? `, the newest ${MAX_LISTED} are listed` : "";
  return html`<div class="jat-chosen">
      <h2><span role="status">${count}${range ? ` from ${clock(range.from)} to ${clock(range.to)}` : " in this time"}${more}</span></h2>
      ${range ? html`<button type="button" @click=${zoom}>Zoom in</button><button type="button" @click=${clear}>Clear</button>` : nothing}
    </div>
    ${listed.length === 0 ? nothing : html`<jupyter-agent-tasks .server=${server} .ids=${listed.map(({ id }) => id)} .snapshots=${listed} .current=${current}></jupyter-agent-tasks>`}`;
}

/** Return the local time, with the day unless that is today. */
function clock(time: number): string {
  const date = new Date(time * 1000);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? date.toTimeString().slice(0, 8) : formatMoment(time);
}
