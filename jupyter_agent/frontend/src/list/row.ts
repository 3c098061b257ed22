/** The template of a row: one task. Its buttons and links carry their action in `data-act`. */

import { html, nothing, type TemplateResult } from "lit";
import { classMap } from "lit/directives/class-map.js";
import type { Snapshot } from "../net/types.js";
import { canRetry, END_STATES } from "../model/reducer.js";
import { fractionDone } from "../model/rate.js";
import { formatParams, toSingleLine } from "../model/format.js";
import { inlineCode } from "../dom/inline_code.js";
import {
  isWaitingForAnswer,
  timestamps,
  progressText,
  timeText,
  nameOf,
  detailText,
  notebookOf,
  percent,
  stateLabel,
  stopWord,
  canStop,
} from "./labels.js";

export type RowAction =
  "open" | "notebook" | "cancel" | "retry" | "delete" | "keep" | "remove" | `answer ${number} ${string}`;

/** `rate`: units a second; `href`: the task's own page; null: none. */
export interface RowProps {
  task: Snapshot;
  now: number;
  rate: number | null;
  href: string | null;
  /** The action under way, and why the last one was refused; empty: none. */
  busy: string;
  refused: string;
  confirming: boolean;
  /** Whether this task is the one shown beside the list. */
  current: boolean;
  /** Whether commands can be sent, and the notebook be opened. */
  canCommand: boolean;
  canOpenNotebook: boolean;
}

export function row(props: RowProps): TemplateResult {
  const { task, rate, now, current, refused } = props;
  return html`<li class=${classMap({ "jal-row": true, "jal-asking": isWaitingForAnswer(task) })} data-task-id=${task.id} data-state=${task.state}
    aria-current=${current ? "true" : nothing}>
    <span class="jal-state">${stateLabel(task)}</span>
    <span class="jal-what">${name(props)}${origin(props)}</span>
    <span class="jal-how">${progressBar(task)}${note(task, now)}</span>
    <span class="jal-when" title=${timestamps(task)}>${field("measure", progressText(task))}${field("moment", timeText(task, rate, now))}</span>
    ${props.confirming ? nothing : actions(props)}
    ${props.confirming ? deleteConfirmation(task) : nothing}
    ${answers(props)}
    ${refused ? html`<span class="jal-refused" role="status">${refused}</span>` : nothing}
  </li>`;
}

function field(name: string, text: string): TemplateResult | typeof nothing {
  return text ? html`<span class=${`jal-${name}`}>${text}</span>` : nothing;
}

/** A question is not cut to one line: its answers may be on buttons below. */
function note(task: Snapshot, now: number): TemplateResult | typeof nothing {
  const text = detailText(task, now);
  if (!text) return nothing;
  return html`<span class="jal-note" title=${text}>${isWaitingForAnswer(task) ? inlineCode(text) : text}</span>`;
}

function name({ task, href }: RowProps): TemplateResult {
  const text = nameOf(task);
  return href === null
    ? html`<button class="jal-name" type="button" data-act="open" title=${text}>${text}</button>`
    : html`<a class="jal-name" href=${href} data-act="open" title=${text}>${text}</a>`;
}

/** The attempt, the parameters, and the notebook the task came from. */
function origin({ task, canOpenNotebook }: RowProps): TemplateResult | typeof nothing {
  const place = notebookOf(task);
  const params = formatParams(task.params);
  if (task.attempt < 2 && !place && !params) return nothing;
  const link = canOpenNotebook
    ? html`<button class="jal-place" type="button" data-act="notebook" title=${`Open ${task.notebook}`}>${place}</button>`
    : html`<span class="jal-place" title=${task.notebook ?? nothing}>${place}</span>`;
  return html`<span class="jal-where">
    ${task.attempt > 1 ? html`<span class="jal-attempt">attempt ${task.attempt}</span>` : nothing}${params ? html`<span class="jal-params" title=${params}>${params}</span>` : nothing}${place ? link : nothing}
  </span>`;
}

function progressBar(task: Snapshot): TemplateResult | typeof nothing {
  const done = fractionDone(task);
  const unknown = done === null && task.state === "running" && !task.prompt;
  if (task.state === "completed" || (done === null && !unknown) || (END_STATES.has(task.state) && task.error))
    return nothing;
  const known = done !== null;
  // Set as a property: a Content-Security-Policy without inline styles refuses the attribute that `styleMap` renders first.
  return html`<span class=${classMap({ "jal-bar": true, "jal-unknown": unknown })} role="progressbar"
    aria-label=${`Progress of ${nameOf(task)}`} aria-valuemin="0" aria-valuenow=${known ? task.progress!.done : nothing}
    aria-valuemax=${known ? task.progress!.total : nothing} aria-valuetext=${known ? percent(task) : nothing}>
    <span class="jal-fill" .style=${`transform: translateX(${((done ?? 0) - 1) * 100}%)`}></span>
  </span>`;
}

function actions({ task, now, canCommand, busy }: RowProps): TemplateResult {
  const ended = END_STATES.has(task.state);
  return html`<span class="jal-actions">
    ${canCommand && !ended ? button(task, "cancel", stopWord(task), busy === "cancel" || !canStop(task, now)) : nothing}
    ${canCommand && canRetry(task) ? button(task, "retry", "Retry", busy === "retry") : nothing}
    ${canCommand && ended ? button(task, "delete", "Delete", busy === "remove") : nothing}
  </span>`;
}

/** The choices of the task's question as buttons; free answers are entered in the task's own view. */
function answers({ task, canCommand, busy }: RowProps): TemplateResult | typeof nothing {
  const prompt = canCommand && isWaitingForAnswer(task) ? task.prompt : null;
  if (!prompt?.choices?.length) return nothing;
  const { prompt_id, choices } = prompt;
  return html`<span class="jal-answers" role="group" aria-label=${`Answers to ${nameOf(task)}`}>
    ${choices.map((choice, index) => button(task, `answer ${index} ${prompt_id}`, toSingleLine(choice), busy.startsWith("answer")))}
  </span>`;
}

function deleteConfirmation(task: Snapshot): TemplateResult {
  return html`<span class="jal-question" role="group" aria-label=${`Delete ${nameOf(task)}?`}>
    <span class="jal-asked">Delete it and its log for good?</span>
    ${button(task, "keep", "Keep", false)}${button(task, "remove", "Delete", false)}
  </span>`;
}

function button(task: Snapshot, act: RowAction, word: string, disabled: boolean): TemplateResult {
  return html`<button class="jal-button" type="button" data-act=${act} title=${`${word} ${nameOf(task)}`} aria-label=${word}
    ?disabled=${disabled}>${word}</button>`;
}

/** Return the text that an `answer` action stands for; null when the task has asked something else meanwhile. */
export function chosenAnswer(
  { prompt }: Snapshot,
  action: RowAction,
): { text: string; prompt_id: string } | null {
  const [, index, prompt_id] = action.split(/ (\d+) /);
  const text = prompt?.prompt_id === prompt_id ? prompt?.choices?.[Number(index)] : undefined;
  return text === undefined || prompt_id === undefined ? null : { text, prompt_id };
}
