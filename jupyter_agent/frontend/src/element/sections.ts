/** Sections of a task's view: templates made from its snapshot alone. */

import { html, nothing, type TemplateResult } from "lit";
import { classMap } from "lit/directives/class-map.js";
import { repeat } from "lit/directives/repeat.js";
import type { Snapshot, Status } from "../net/types.js";
import { END_STATES } from "../model/reducer.js";
import { secondsRemaining, fractionDone } from "../model/rate.js";
import {
  formatDuration,
  formatPercent,
  formatNumber,
  formatRate,
  formatWholeDuration,
  toSingleLine,
  printable,
} from "../model/format.js";
import { errorView, type GoToCell } from "./traceback_view.js";

/** Characters of a result that is shown beside the numbers; a longer one gets room of its own. */
const MAX_SHORT_RESULT = 60;

/** `rate`: units a second; `hint`: a sentence about the view; `trouble`: one about the server; `busy`: the command that is being sent; empty: none. */
export interface TaskProps {
  task: Snapshot;
  now: number;
  status: Status;
  rate: number | null;
  hint: string | TemplateResult;
  trouble: string;
  busy: string;
  /** Whether the user may cancel, retry and answer. */
  canCommand: boolean;
  /** Runs the task's cell again; null: there is none here. */
  rerun: (() => void) | null;
  /** Goes to a line of a cell; null: there is no notebook here. */
  goToCell: GoToCell | null;
  /** Whether only the notebook's file keeps the view. */
  isAlone: boolean;
  /** Shows a slim view whole, or one that is shown whole as a line again; null: the view is not slim. */
  toggle: (() => void) | null;
  sendCommand(command: string, args?: object): unknown;
}

export function stateLabel(task: Snapshot): string {
  if (task.stopping) return "cancelling…";
  return task.state === "running" && task.prompt ? "waiting for you" : task.state;
}

export function progressBar({ task }: TaskProps): TemplateResult {
  const done = fractionDone(task);
  const unknown = done === null && task.state === "running" && !task.prompt;
  const { done: value = null, total = null } = task.progress ?? {};
  return html`<div class=${classMap({ "ja-bar": true, "ja-unknown": unknown })} role="progressbar" aria-valuemin="0"
    aria-label=${`Progress of ${toSingleLine(task.name) || "the task"}`} ?hidden=${done === null && (END_STATES.has(task.state) || task.prompt !== null)}
    aria-valuenow=${done === null ? nothing : value} aria-valuemax=${done === null ? nothing : total}
    aria-valuetext=${formatPercent(done) || nothing}>
    <div class="ja-fill" .style=${`transform: translateX(${((done ?? 0) - 1) * 100}%)`}></div>
  </div>`;
}

/** Render how far the task is, or its result: in one row, whose height is there from the start. */
export function statistics({ task, rate }: TaskProps): TemplateResult {
  const [done, rest] = [fractionDone(task), secondsRemaining(task, rate)];
  return html`<div class="ja-stats">
      ${field("count", countOf(task))}${field("percent", formatPercent(done))}
      ${field("rate", formatRate(rate))}${field("left", rest === null ? "" : `${formatWholeDuration(rest)} left`)}
      ${shortResult(task)}
      <button class="ja-resources" type="button" hidden></button>
    </div>
    <div class="ja-note" ?hidden=${!task.progress?.message}>${printable(task.progress?.message ?? "")}</div>`;
}

export function field(name: string, text: string): TemplateResult {
  return html`<span class=${`ja-${name}`} ?hidden=${!text}>${text}</span>`;
}

export function countOf({ progress }: Snapshot): string {
  const { done = null, total = null } = progress ?? {};
  if (done === null) return "";
  return total ? `${formatNumber(done)} / ${formatNumber(total)}` : `${formatNumber(done)} done`;
}

/** Return how long the task has waited, has been running, or ran. */
export function elapsed(task: Snapshot, now: number): string {
  if (task.state === "queued")
    return task.queued === null ? "" : `waiting ${formatWholeDuration(now - task.queued)}`;
  if (task.started === null) return "";
  return task.ended === null
    ? formatWholeDuration(now - task.started)
    : formatDuration(task.ended - task.started);
}

export function notice({ task, now, hint, trouble, isAlone }: TaskProps): TemplateResult {
  const active = printable(trouble) || (isAlone && task.view !== null && !task.cell ? NO_CELL : "");
  const text = hint || situation(task, now) || (END_STATES.has(task.state) ? "" : active);
  return html`<div class="ja-notice" role="status" ?hidden=${!text}>${text}</div>`;
}

/** What a view says whose kernel was not told which cell runs: the page cannot restore it. */
const NO_CELL =
  "Save the notebook to keep this view: what runs its cells does not tell the kernel which cell it is.";

/** Return the notice of an interrupted task, with a reason that says more than that its process is gone. */
function interruption(reason: string | null): string {
  const why = reason && !reason.startsWith("the process") ? `: ${printable(reason)}` : "";
  return `The process that ran this task ended before the task was done${why}. Its output until then is kept.`;
}

/** Return what is left of the time to clean up, and where the task is meanwhile. */
export function stoppingText({ stopping }: Snapshot, now: number): string {
  if (!stopping) return "";
  const { until, where, where_since: since, note, again } = stopping;
  const left = again || until === null ? "" : `${formatWholeDuration(until - now)} left to clean up`;
  return printable(
    [left, where && `${where}, for ${formatWholeDuration(now - since!)}`, note].filter(Boolean).join("; "),
  );
}

function situation(task: Snapshot, now: number): string {
  const { state, waiting, stalled_since: stalled } = task;
  const reason = state === "queued" ? (waiting?.text ?? task.reason) : task.reason;
  if (state === "interrupted") return interruption(reason);
  if ((state === "queued" || state === "cancelled") && reason) return printable(reason);
  if (stalled === null || END_STATES.has(state)) return stoppingText(task, now);
  return `Silent for ${formatWholeDuration(now - stalled)}: its process is there but does not answer. It may be suspended, or too busy.`;
}

/** Render the last values of the metrics without a plot. */
export function metricChips({ metrics }: Snapshot, plotted: ReadonlySet<string>): TemplateResult {
  const names = Object.keys(metrics).filter((name) => !plotted.has(name));
  return html`<div class="ja-chips" role="list" aria-label="Metrics" ?hidden=${names.length === 0}>
    ${repeat(
      names,
      (name) => name,
      (name) => {
        const { value, step } = metrics[name]!;
        return html`<div class="ja-chip" role="listitem" data-name=${name} title=${step === null ? nothing : `step ${step}`}>
        <span class="ja-label">${printable(name)}</span><span class="ja-value">${formatNumber(value)}</span>
      </div>`;
      },
    )}
  </div>`;
}

/** Render how the task ended: its error with the traceback, or its result. */
export function outcome(
  { error, result, state }: Snapshot,
  goToCell: GoToCell | null,
): TemplateResult | typeof nothing {
  if (error) return errorView(error, goToCell);
  const text = state === "completed" ? resultText(result) : "";
  return text && !isShort(text) ? html`<div class="ja-result">${text}</div>` : nothing;
}

function shortResult({ result, state }: Snapshot): TemplateResult | typeof nothing {
  const text = state === "completed" ? resultText(result) : "";
  return isShort(text) ? html`<span class="ja-result" title=${text}>${text}</span>` : nothing;
}

function resultText(result: Snapshot["result"]): string {
  return !result || result.repr === "None" ? "" : printable(result.repr);
}

/** Whether a result fits beside the numbers. */
function isShort(text: string): boolean {
  return text !== "" && text.length <= MAX_SHORT_RESULT && !text.includes("\n");
}

/** Whether room for the log is kept until it is drawn: nearly every task prints something, unless it talks.
 * `wasActive`: whether the view has shown the task before its end. */
export function expectsLog(task: Snapshot, wasActive: boolean): boolean {
  if (wasActive && task.logs > 0) return true;
  return task.created !== null && !END_STATES.has(task.state) && !task.prompt && task.messages.length === 0;
}

/** Return the attributes by which scripts, tests and assistive technology find the task. */
export function attributesOf(task: Snapshot, status: Status): Record<string, string> {
  return {
    "data-task-id": task.id,
    "data-state": task.state,
    "data-connection": status,
    "data-logs": String(task.logs),
    "data-asking": String(task.prompt !== null),
    role: "group",
    "aria-label": `Task ${toSingleLine(task.name) || task.id}`,
  };
}
