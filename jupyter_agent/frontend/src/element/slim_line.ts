/** The slim view of a task: one line, and a second one for its metrics. */

import { html, nothing, type TemplateResult } from "lit";
import type { Snapshot } from "../net/types.js";
import { secondsRemaining, fractionDone } from "../model/rate.js";
import {
  formatNumber,
  formatPercent,
  formatRate,
  formatWholeDuration,
  nameOf,
  printable,
  toSingleLine,
} from "../model/format.js";
import type { Metrics } from "../model/metrics/series.js";
import { SPARK_HEIGHT, SPARK_WIDTH, sparkline } from "../model/metrics/sparkline.js";
import { cancelButton, connectionStatus } from "./head.js";
import {
  countOf,
  elapsed,
  field,
  outcome,
  progressBar,
  stateLabel,
  stoppingText,
  type TaskProps,
} from "./sections.js";

/** Render the whole task on one line, and the metrics on a second one. */
export function slimLine(props: TaskProps, metrics: Metrics | null): TemplateResult {
  const { task, rate, now, status } = props;
  const hint = props.hint || stoppingText(task, now);
  const [done, rest] = [fractionDone(task), secondsRemaining(task, rate)];
  return html`<div class="ja-slim">
    <span class="ja-dot" title=${stateLabel(task)}></span>
    <span class="ja-name">${nameOf(task)}</span>
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
