/** The parts of a task's view that need nothing but the task. */

import { html, nothing, type TemplateResult } from "lit";
import { classMap } from "lit/directives/class-map.js";
import { repeat } from "lit/directives/repeat.js";
import type { Snapshot, Status } from "../net/types.js";
import { ENDED } from "../model/reducer.js";
import { remaining, share } from "../model/rate.js";
import { duration, number, oneLine, printable, significant, speedText } from "../model/format.js";
import { copyId } from "../dom/clipboard.js";

/** What is drawn. `rate`: units a second; `hint`: a sentence about the view; `busy`: the command under way. */
export interface Picture {
  task: Snapshot;
  now: number;
  status: Status;
  rate: number | null;
  hint: string;
  busy: string;
  ask(command: string, args?: object): void;
}

const RETRIABLE = new Set(["failed", "cancelled", "interrupted"]);
const INTERRUPTED =
  "The process that ran this task went away before the task ended. What it said until then is kept.";

export function head({ task, status, busy, ask }: Picture): TemplateResult {
  return html`<div class="ja-head">
    <span class="ja-title">
      <span class="ja-badge">${stateWord(task)}</span>
      <span class="ja-name">${oneLine(task.name) || "task"}</span>
      <span class="ja-attempt" ?hidden=${task.attempt < 2}>attempt ${task.attempt}</span>
    </span>
    ${link(status)}
    <span class="ja-actions">
      <button class="ja-quiet-button" type="button" title=${`Copy the task's id, ${task.id}`} aria-label="Copy id" @click=${copyId(task.id)}>ID</button>
      ${cancel(task, busy, ask)}
      <button class="ja-button" type="button" ?hidden=${!RETRIABLE.has(task.state)} ?disabled=${busy === "retry"} @click=${() => ask("retry")}>Retry</button>
    </span>
  </div>`;
}

function cancel(task: Snapshot, busy: string, ask: Picture["ask"]): TemplateResult {
  return html`<button class="ja-button" type="button" ?hidden=${ENDED.has(task.state) || task.created === null} ?disabled=${task.cancel_requested || busy === "cancel"}
    @click=${() => ask("cancel")}>Cancel</button>`;
}

function link(status: Status): TemplateResult {
  const words = { live: "", connecting: "connecting…", offline: "offline" }[status];
  return html`<span class="ja-link" role="status" ?hidden=${!words}>${words}</span>`;
}

export function stateWord(task: Snapshot): string {
  if (task.cancel_requested && !ENDED.has(task.state)) return "cancelling…";
  return task.state === "running" && task.prompt ? "waiting for you" : task.state;
}

export function bar({ task }: Picture): TemplateResult {
  const done = share(task);
  const unknown = done === null && task.state === "running" && !task.prompt;
  const { done: value = null, total = null } = task.progress ?? {};
  return html`<div class=${classMap({ "ja-bar": true, "ja-unknown": unknown })} role="progressbar" aria-valuemin="0"
    aria-label=${`Progress of ${oneLine(task.name) || "the task"}`} ?hidden=${done === null && (ENDED.has(task.state) || task.prompt !== null)}
    aria-valuenow=${done === null ? nothing : value} aria-valuemax=${done === null ? nothing : total}
    aria-valuetext=${done === null ? nothing : `${Math.floor(done * 100)} %`}>
    <div class="ja-fill" .style=${`transform: translateX(${((done ?? 0) - 1) * 100}%)`}></div>
  </div>`;
}

export function figures({ task, rate, now }: Picture): TemplateResult {
  const [done, rest] = [share(task), remaining(task, rate)];
  return html`<div class="ja-stats">
      ${say("count", countOf(task))}${say("percent", done === null ? "" : `${Math.floor(done * 100)} %`)}
      ${say("rate", rate ? speedText(rate) : "")}${say("left", rest === null ? "" : `${duration(rest)} left`)}
      ${say("elapsed", elapsed(task, now))}
    </div>
    <div class="ja-note" ?hidden=${!task.progress?.message}>${printable(task.progress?.message ?? "")}</div>`;
}

function say(name: string, text: string): TemplateResult {
  return html`<span class=${`ja-${name}`} ?hidden=${!text}>${text}</span>`;
}

function countOf({ progress }: Snapshot): string {
  const { done = null, total = null } = progress ?? {};
  if (done === null) return "";
  return total ? `${number(done)} / ${number(total)}` : `${number(done)} done`;
}

/** How long it takes, took, or waits. */
export function elapsed(task: Snapshot, now: number): string {
  if (task.state === "queued") return task.queued === null ? "" : `waiting ${duration(now - task.queued)}`;
  if (task.started === null) return "";
  const spent = (task.ended ?? now) - task.started;
  return ENDED.has(task.state) && spent < 1 ? "under 1 s" : duration(spent);
}

export function notice({ task, now, hint }: Picture): TemplateResult {
  const text = hint || situation(task, now);
  return html`<div class="ja-notice" role="status" ?hidden=${!text}>${text}</div>`;
}

function situation({ state, reason, stalled_since: stalled }: Snapshot, now: number): string {
  if (state === "interrupted") return INTERRUPTED;
  if (state === "queued" && reason) return printable(reason);
  if (stalled === null || ENDED.has(state)) return "";
  return `Silent for ${duration(now - stalled)}: its process is there but does not answer. It may be suspended, or too busy.`;
}

export function chips({ metrics }: Snapshot): TemplateResult {
  const names = Object.keys(metrics);
  return html`<div class="ja-chips" role="list" aria-label="Metrics" ?hidden=${names.length === 0}>
    ${repeat(
      names,
      (name) => name,
      (name) => {
        const { value, step } = metrics[name]!;
        return html`<div class="ja-chip" role="listitem" data-name=${name} title=${step === null ? nothing : `step ${step}`}>
        <span class="ja-label">${printable(name)}</span><span class="ja-value">${value === null ? "–" : significant(value)}</span>
      </div>`;
      },
    )}
  </div>`;
}

/** How it ended: the error with its traceback, or what came out. */
export function ending({ error, result, state }: Snapshot): TemplateResult | typeof nothing {
  if (error) {
    const what = error.message ? `${error.type}: ${error.message}` : error.type;
    return html`<details class="ja-error"><summary>${printable(what)}</summary>
      <pre class="ja-traceback" data-lm-suppress-shortcuts="true" tabindex="0" aria-label="Traceback">${printable(error.traceback ?? "")}</pre></details>`;
  }
  if (!result || result.repr === "None" || state !== "completed") return nothing;
  return html`<div class="ja-result">${printable(result.repr)}</div>`;
}

/** The whole task on one line. */
export function slimLine(picture: Picture): TemplateResult {
  const { task, rate, now, status, hint, busy, ask } = picture;
  const [done, rest] = [share(task), remaining(task, rate)];
  return html`<div class="ja-slim">
    <span class="ja-dot" title=${stateWord(task)}></span>
    <span class="ja-name">${oneLine(task.name) || "task"}</span>
    ${bar(picture)}
    ${say("percent", done === null ? "" : `${Math.floor(done * 100)} %`)}${say("count", countOf(task))}
    ${say("rate", rate ? speedText(rate) : "")}${say("left", rest === null ? "" : `${duration(rest)} left`)}
    ${say("elapsed", elapsed(task, now))}
    ${say("word", task.state === "running" && !task.prompt ? "" : stateWord(task))}${link(status)}
    ${cancel(task, busy, ask)}
  </div>
  <div class="ja-notice" role="status" ?hidden=${!hint}>${hint}</div>${ending({ ...task, result: null })}`;
}
