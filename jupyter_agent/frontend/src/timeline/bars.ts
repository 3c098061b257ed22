/** The rows with their bars, and the words for one bar. */

import { html, nothing, type TemplateResult } from "lit";
import { guard } from "lit/directives/guard.js";
import { repeat } from "lit/directives/repeat.js";
import { nameOf, stateLabel } from "../list/labels.js";
import { isTouched } from "../dom/touch.js";
import { formatDuration, formatMoment, formatParams } from "../model/format.js";
import { END_STATES } from "../model/reducer.js";
import type { Snapshot } from "../net/types.js";
import type { Bar, Row } from "./rows.js";
import type { Part, Range } from "./spans.js";
import { shareOf } from "./window.js";

/** Pixels of a line, for a pointer and for a finger. */
const [LINE_HEIGHT, TOUCH_LINE_HEIGHT] = [20, 44];
/** The lowest row, and what a row has above and below its lines, in pixels. */
const [MIN_HEIGHT, BESIDE] = [30, 4];
/** Pixels of a bar from which its name is in it, and of a part from which it can be seen. */
const [NAMED, SEEN] = [44, 1];
/** Pixels of the shortest part; the style sheet has the same. */
const MIN_PART = 2;
/** Runs in the strip of a name. */
const STRIP_RUNS = 10;

export interface RowProps {
  readonly window: Range;
  /** Pixels of the window. */
  readonly width: number;
  /** The task that is open. */
  readonly current: string | null;
  /** The task whose bar the Tab key reaches. */
  readonly reachable: string | null;
  readonly hasStrips: boolean;
}

let knownLineHeight = 0;

function lineHeight(): number {
  return (knownLineHeight ||= isTouched() ? TOUCH_LINE_HEIGHT : LINE_HEIGHT);
}

/** Return the height of a row's track, which is there before its bars. */
export function heightOf({ lines }: Row): number {
  return Math.max(MIN_HEIGHT, lines * lineHeight() + BESIDE);
}

/** Render a row with the newest `count` of its bars. */
export function rowView(row: Row, count: number, props: RowProps): TemplateResult {
  return html`<div class="jat-label" title=${row.label}><span>${row.label}</span>${props.hasStrips ? strip(row) : nothing}</div>
    <div class="jat-track" .style=${`height:${heightOf(row)}px`}>
      ${repeat(
        row.bars.slice(row.bars.length - count),
        ({ task }) => task.id,
        (bar) => guardedBar(bar, props),
      )}
    </div>`;
}

function guardedBar(bar: Bar, props: RowProps): unknown {
  const { task, parts, line, from, to } = bar;
  const { window, width, current, reachable } = props;
  const place = [line, from, to, window.from, window.to, width, parts.length];
  return guard([task, ...place, task.id === current, task.id === reachable], () => barView(bar, props));
}

function barView(
  { task, parts, line, from, to }: Bar,
  { window, width, current, reachable }: RowProps,
): TemplateResult {
  const [left, right] = [Math.max(0, shareOf(from, window)), Math.min(1, shareOf(to, window))];
  const shown = { from: Math.max(from, window.from), to: Math.min(to, window.to) };
  const smallest = (SEEN / width) * (window.to - window.from);
  const seen = parts.filter((part) => part === parts.at(-1) || part.to - part.from >= smallest);
  const name =
    (right - left) * width >= NAMED ? html`<span class="jat-name">${nameOf(task)}</span>` : nothing;
  return html`<a class="jat-bar" draggable="false" data-task-id=${task.id} data-state=${task.state} href=${`?view=timeline&task=${encodeURIComponent(task.id)}`}
    tabindex=${task.id === reachable ? 0 : -1} aria-current=${task.id === current ? "true" : nothing} aria-label=${barText(task)}
    .style=${`left:${left * 100}%;width:${(right - left) * 100}%;top:${line * lineHeight() + 3}px`}>
    ${seen.map((part) => partView(part, shown))}${name}</a>`;
}

function partView({ state, attempt, from, to }: Part, shown: Range): TemplateResult {
  const length = shown.to - shown.from;
  const [left, right] = length > 0 ? [shareOf(from, shown), shareOf(to, shown)] : [0, 1];
  // A short part at the end is in sight, too, since it tells how the task ended.
  const style = `left:min(${Math.max(0, left) * 100}%,100% - ${MIN_PART}px);width:${Math.max(0, Math.min(1, right) - Math.max(0, left)) * 100}%`;
  return html`<span class="jat-part" data-state=${state} data-attempt=${attempt} .style=${style}></span>`;
}

/** Return the words for a bar: what the task is, with what, and when. */
export function barText(task: Snapshot): string {
  const { attempt, queued, started, ended } = task;
  const wait = queued !== null && started !== null ? started - queued : 0;
  const parts = [
    nameOf(task),
    stateLabel(task),
    attempt > 1 ? `attempt ${attempt}` : "",
    formatParams(task.params),
    started === null ? `queued ${formatMoment(queued)}` : `started ${formatMoment(started)}`,
    wait >= 1 ? `waited ${formatDuration(wait)}` : "",
    started !== null && ended !== null ? `took ${formatDuration(ended - started)}` : "",
  ];
  return parts.filter(Boolean).join(", ");
}

/** Render the last runs of a name: a mark each, coloured by how it ended and as high as it took long. */
function strip({ bars }: Row): TemplateResult {
  const runs = bars.map(({ task }) => task).slice(-STRIP_RUNS);
  const times = runs.map(({ started, ended }) =>
    started !== null && ended !== null ? ended - started : null,
  );
  const longest = Math.max(...times.map((time) => time ?? 0));
  const words = runs.map(
    (task, at) => `${task.state}${times[at] === null ? "" : ` in ${formatDuration(times[at]!)}`}`,
  );
  return html`<span class="jat-strip" role="img" aria-label=${`Last runs: ${words.join("; ")}`}>
    ${runs.map((task, at) => {
      const share = longest > 0 ? (times[at] ?? longest) / longest : 1;
      return html`<span class="jat-mark" data-state=${task.state} title=${words[at]!} .style=${`height:${4 + 12 * share}px`}></span>`;
    })}
    <span class="jat-last">${END_STATES.has(runs.at(-1)!.state) ? formatDuration(times.at(-1) ?? null) : ""}</span>
  </span>`;
}
