/** The head of a task's view: its state, name and time, and what can be done with it. */

import { html, nothing, type TemplateResult } from "lit";
import type { Snapshot, Status } from "../net/types.js";
import { canRetry, END_STATES } from "../model/reducer.js";
import { formatParams, nameOf } from "../model/format.js";
import { copyHandler } from "../dom/clipboard.js";
import { elapsed, stateLabel, type TaskProps } from "./sections.js";

const COPY_ICON = html`<svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true"><path fill="none" stroke="currentColor" stroke-width="1.3" stroke-linejoin="round" d="M5.5 5.5h8v8h-8zM3.5 10.5h-1v-8h8v1"/></svg>`;

export function head(props: TaskProps): TemplateResult {
  const { task, status, now } = props;
  const time = elapsed(task, now);
  const params = formatParams(task.params);
  return html`<div class="ja-head">
    <span class="ja-title">
      <span class="ja-badge">${stateLabel(task)}</span>
      <span class="ja-name">${nameOf(task)}</span>
      <span class="ja-attempt" ?hidden=${task.attempt < 2}>attempt ${task.attempt}</span>
    </span>
    ${connectionStatus(status)}
    <span class="ja-link ja-read-only" title="You may look at this task, and not command it" ?hidden=${props.canCommand}>read only</span>
    <span class="ja-elapsed" ?hidden=${!time}>${time}</span>
    <span class="ja-actions">
      <button class="ja-quiet-button ja-copy-id" type="button" title=${`Copy the task's id, ${task.id}`} aria-label="Copy id" @click=${copyHandler(task.id, task.id)}>${COPY_ICON}<span></span></button>
      ${cancelButton(props)}
      ${againButton(props)}
      ${props.toggle ? html`<button class="ja-quiet-button" type="button" aria-expanded="true" @click=${props.toggle}>Show less</button>` : nothing}
    </span>
  </div>
  <div class="ja-params" ?hidden=${!params} title=${params}>${params}</div>`;
}

/** The retry, or where nothing is there that could run it, the cell. */
function againButton({
  task,
  busy,
  rerun,
  canCommand,
  sendCommand,
}: TaskProps): TemplateResult | typeof nothing {
  if (canCommand && canRetry(task))
    return html`<button class="ja-button" type="button" ?disabled=${busy === "retry"} @click=${() => sendCommand("retry")}>Retry</button>`;
  if (!END_STATES.has(task.state) || task.state === "completed" || !rerun) return nothing;
  return html`<button class="ja-button" type="button" @click=${rerun}>Run cell again</button>`;
}

export function cancelButton({ task, now, busy, canCommand, sendCommand }: TaskProps): TemplateResult {
  return html`<button class="ja-button" type="button" ?hidden=${!canCommand || END_STATES.has(task.state) || task.created === null} ?disabled=${busy === "cancel" || !canStop(task, now)}
    @click=${() => sendCommand("cancel")}>${stopWord(task)}</button>`;
}

export function stopWord(task: Snapshot): string {
  return task.stopping ? "Stop now" : "Cancel";
}

/** A double click is no second cancel. Clocks may differ: what lies ahead is not waited for. */
export function canStop({ stopping }: Snapshot, now: number): boolean {
  return !stopping || (!stopping.again && Math.abs(now - stopping.since) > 1);
}

export function connectionStatus(status: Status): TemplateResult {
  const words = { live: "", connecting: "connecting…", offline: "offline" }[status];
  return html`<span class="ja-link" role="status" ?hidden=${!words}>${words}</span>`;
}
