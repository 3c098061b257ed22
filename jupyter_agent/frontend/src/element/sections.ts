/** Sections of a task's view: templates made from its snapshot alone. */

import { html, nothing, type TemplateResult } from "lit";
import { classMap } from "lit/directives/class-map.js";
import { repeat } from "lit/directives/repeat.js";
import type { Snapshot, Status } from "../net/types.js";
import { canRetry, END_STATES } from "../model/reducer.js";
import { secondsRemaining, fractionDone } from "../model/rate.js";
import {
  formatDuration,
  formatParams,
  formatPercent,
  formatNumber,
  formatRate,
  formatWholeDuration,
  toSingleLine,
  printable,
} from "../model/format.js";
import type { Metrics } from "../model/metrics/series.js";
import { SPARK_HEIGHT, SPARK_WIDTH, sparkline } from "../model/metrics/sparkline.js";
import { errorView, type GoToCell } from "./traceback_view.js";
import { copyHandler } from "../dom/clipboard.js";

/** `rate`: units a second; `hint`: a sentence about the view; `trouble`: one about the server; `busy`: the command that is being sent; empty: none. */
export interface TaskProps {
  task: Snapshot;
  now: number;
  status: Status;
  rate: number | null;
  hint: string | TemplateResult;
  trouble: string;
  busy: string;
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

export function head(props: TaskProps): TemplateResult {
  const { task, status } = props;
  const params = formatParams(task.params);
  return html`<div class="ja-head">
    <span class="ja-title">
      <span class="ja-badge">${stateLabel(task)}</span>
      <span class="ja-name">${toSingleLine(task.name) || "task"}</span>
      <span class="ja-attempt" ?hidden=${task.attempt < 2}>attempt ${task.attempt}</span>
    </span>
    ${connectionStatus(status)}
    <span class="ja-actions">
      <button class="ja-quiet-button" type="button" title=${`Copy the task's id, ${task.id}`} aria-label="Copy id" @click=${copyHandler(task.id, task.id)}>ID</button>
      ${cancelButton(props)}
      ${againButton(props)}
      ${props.toggle ? html`<button class="ja-quiet-button" type="button" aria-expanded="true" @click=${props.toggle}>Show less</button>` : nothing}
    </span>
  </div>
  <div class="ja-params" ?hidden=${!params} title=${params}>${params}</div>`;
}

/** The retry, or where nothing is there that could run it, the cell. */
function againButton({ task, busy, rerun, sendCommand }: TaskProps): TemplateResult | typeof nothing {
  if (canRetry(task))
    return html`<button class="ja-button" type="button" ?disabled=${busy === "retry"} @click=${() => sendCommand("retry")}>Retry</button>`;
  if (!END_STATES.has(task.state) || task.state === "completed" || !rerun) return nothing;
  return html`<button class="ja-button" type="button" @click=${rerun}>Run cell again</button>`;
}

function cancelButton({ task, now, busy, sendCommand }: TaskProps): TemplateResult {
  return html`<button class="ja-button" type="button" ?hidden=${END_STATES.has(task.state) || task.created === null} ?disabled=${busy === "cancel" || !canStop(task, now)}
    @click=${() => sendCommand("cancel")}>${stopWord(task)}</button>`;
}

export function stopWord(task: Snapshot): string {
  return task.stopping ? "Stop now" : "Cancel";
}

/** A double click is no second cancel. Clocks may differ: what lies ahead is not waited for. */
export function canStop({ stopping }: Snapshot, now: number): boolean {
  return !stopping || (!stopping.again && Math.abs(now - stopping.since) > 1);
}

function connectionStatus(status: Status): TemplateResult {
  const words = { live: "", connecting: "connecting…", offline: "offline" }[status];
  return html`<span class="ja-link" role="status" ?hidden=${!words}>${words}</span>`;
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

export function statistics({ task, rate, now }: TaskProps): TemplateResult {
  const [done, rest] = [fractionDone(task), secondsRemaining(task, rate)];
  return html`<div class="ja-stats">
      ${field("count", countOf(task))}${field("percent", formatPercent(done))}
      ${field("rate", formatRate(rate))}${field("left", rest === null ? "" : `${formatWholeDuration(rest)} left`)}
      ${field("elapsed", elapsed(task, now))}
    </div>
    <div class="ja-note" ?hidden=${!task.progress?.message}>${printable(task.progress?.message ?? "")}</div>`;
}

function field(name: string, text: string): TemplateResult {
  return html`<span class=${`ja-${name}`} ?hidden=${!text}>${text}</span>`;
}

function countOf({ progress }: Snapshot): string {
  const { done = null, total = null } = progress ?? {};
  if (done === null) return "";
  return total ? `${formatNumber(done)} / ${formatNumber(total)}` : `${formatNumber(done)} done`;
}

/** Return how long the task has waited, has been running, or ran. */
function elapsed(task: Snapshot, now: number): string {
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
  const { state, reason, stalled_since: stalled } = task;
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
  if (!result || result.repr === "None" || state !== "completed") return nothing;
  return html`<div class="ja-result">${printable(result.repr)}</div>`;
}

/** Render the whole task on one line, and the metrics on a second one. */
export function slimLine(props: TaskProps, metrics: Metrics | null): TemplateResult {
  const { task, rate, now, status } = props;
  const hint = props.hint || stoppingText(task, now);
  const [done, rest] = [fractionDone(task), secondsRemaining(task, rate)];
  return html`<div class="ja-slim">
    <span class="ja-dot" title=${stateLabel(task)}></span>
    <span class="ja-name">${toSingleLine(task.name) || "task"}</span>
    ${progressBar(props)}
    ${field("percent", formatPercent(done))}${field("count", countOf(task))}
    ${field("rate", formatRate(rate))}${field("left", rest === null ? "" : `${formatWholeDuration(rest)} left`)}
    ${field("elapsed", elapsed(task, now))}
    ${field("word", task.state === "running" && !task.prompt ? "" : stateLabel(task))}${connectionStatus(status)}
    ${cancelButton(props)}
    <button class="ja-quiet-button ja-more" type="button" title="Show the log and the plots" aria-expanded="false"
      aria-label=${`Show more of ${toSingleLine(task.name) || "the task"}`} @click=${props.toggle}></button>
  </div>
  ${sparklines(task, metrics)}
  <div class="ja-notice" role="status" ?hidden=${!hint}>${hint}</div>${outcome({ ...task, result: null }, props.goToCell)}`;
}

/** Maximum number of metrics in a slim view. */
const MAX_SLIM_METRICS = 4;

/** Render the metrics' last values, each with its curve so far. */
function sparklines(task: Snapshot, metrics: Metrics | null): TemplateResult | typeof nothing {
  const names = Object.keys(task.metrics);
  if (names.length === 0) return nothing;
  const more = names.length - MAX_SLIM_METRICS;
  return html`<div class="ja-sparks" role="list" aria-label="Metrics">
    ${names.slice(0, MAX_SLIM_METRICS).map((name) => {
      const [value, series] = [task.metrics[name]!.value, metrics?.series.get(name)];
      return html`<div class="ja-spark" role="listitem" data-name=${name}>
        <span class="ja-label">${printable(name)}</span>
        <svg width=${SPARK_WIDTH} height=${SPARK_HEIGHT} aria-hidden="true"><polyline points=${series ? sparkline(series) : ""}></polyline></svg>
        <span class="ja-value">${formatNumber(value)}</span>
      </div>`;
    })}
    ${more > 0 ? html`<span class="ja-label">and ${more} more</span>` : nothing}
  </div>`;
}
