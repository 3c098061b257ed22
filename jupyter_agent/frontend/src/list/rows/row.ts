/** The template of a row: one task on two lines. Its buttons and links carry their action in `data-act`. */

import { html, nothing, type TemplateResult } from "lit";
import { classMap } from "lit/directives/class-map.js";
import { live } from "lit/directives/live.js";
import type { Snapshot } from "../../net/types.js";
import { canRetry, END_STATES } from "../../model/reducer.js";
import { fractionDone } from "../../model/rate.js";
import { formatParams, toSingleLine } from "../../model/format.js";
import { inlineCode } from "../../dom/inline_code.js";
import {
  canStop,
  detailText,
  isWaitingForAnswer,
  nameOf,
  notebookOf,
  percent,
  progressText,
  splitName,
  stateLabel,
  stopWord,
  timestamps,
  timeText,
} from "../labels.js";

export type RowAction =
  "open" | "select" | "notebook" | "cancel" | "retry" | "delete" | "menu" | `answer ${number} ${string}`;

/** `rate`: units a second; `href`: the task's own page; null: none. */
export interface RowProps {
  task: Snapshot;
  now: number;
  rate: number | null;
  href: string | null;
  /** The action under way, and why the last one was refused; empty: none. */
  busy: string;
  refused: string;
  /** Whether this task is the one shown beside the list. */
  current: boolean;
  selected: boolean;
  /** Whether the Tab key stops here: only in one row, and the arrow keys lead to the others. */
  isTabStop: boolean;
  /** Whether there is a server, whether the user may only read there, and whether the notebook can be opened. */
  canCommand: boolean;
  readOnly: boolean;
  canOpenNotebook: boolean;
}

export function row(props: RowProps): TemplateResult {
  const { task, rate, now, current, selected, refused } = props;
  const bar = progressBar(task);
  const classes = { "jal-row": true, "jal-asking": isWaitingForAnswer(task), "jal-plain": bar === nothing };
  return html`<li class=${classMap(classes)} data-task-id=${task.id} data-state=${task.state}
    aria-current=${current ? "true" : nothing} ?data-selected=${selected}>
    <label class="jal-mark" title=${stateLabel(task)}>${checkbox(props)}</label>
    <span class="jal-line">${name(props)} <span class="jal-state">${stateLabel(task)}</span> ${field("measure", progressText(task))}</span>
    <span class="jal-line">${origin(props)} ${isWaitingForAnswer(task) ? nothing : note(task, now)} <span class="jal-moment" title=${timestamps(task)}>${timeText(task, rate, now)}</span></span>
    ${bar}${question(props)}
    ${refused ? html`<span class="jal-refused" role="status">${refused}</span>` : nothing}
    ${actions(props)}
  </li>`;
}

function field(name: string, text: string): TemplateResult | typeof nothing {
  return text ? html`<span class=${`jal-${name}`}>${text}</span>` : nothing;
}

function note(task: Snapshot, now: number): TemplateResult | typeof nothing {
  const text = detailText(task, now);
  return text ? html`<span class="jal-note" title=${text}>${text}</span>` : nothing;
}

function checkbox({ task, selected, isTabStop, canCommand }: RowProps): TemplateResult | typeof nothing {
  if (!canCommand) return nothing;
  return html`<input class="jal-check" type="checkbox" data-act="select" aria-label=${`Select ${nameOf(task)}`} tabindex=${tabIndex(isTabStop)}
    .checked=${live(selected)}>`;
}

/** The end of a long name is always shown: what differs in the names of a sweep is often there. */
function name({ task, href, isTabStop }: RowProps): TemplateResult {
  const text = nameOf(task);
  const [start, end] = splitName(text);
  const parts = end
    ? html`<span class="jal-start">${start}</span><span class="jal-end">${end}</span>`
    : html`<span class="jal-start">${start}</span>`;
  const tab = tabIndex(isTabStop);
  return href === null
    ? html`<button class="jal-name" type="button" data-act="open" title=${text} tabindex=${tab}>${parts}</button>`
    : html`<a class="jal-name" href=${href} data-act="open" title=${text} tabindex=${tab}>${parts}</a>`;
}

/** The attempt, the parameters, and the notebook the task came from. */
function origin({ task, canOpenNotebook, isTabStop }: RowProps): TemplateResult {
  const place = notebookOf(task);
  const params = formatParams(task.params);
  const link = canOpenNotebook
    ? html`<button class="jal-place" type="button" data-act="notebook" title=${`Open ${task.notebook}`} tabindex=${tabIndex(isTabStop)}><span>${place}</span></button>`
    : html`<span class="jal-place" title=${task.notebook ?? nothing}><span>${place}</span></span>`;
  const attempt = task.attempt > 1 ? html`<span class="jal-attempt">attempt ${task.attempt}</span>` : nothing;
  const what = html`<span class="jal-what">${attempt}${params ? html`<span class="jal-params" title=${params}>${params}</span>` : nothing}</span>`;
  return html`<span class="jal-where">${params || task.attempt > 1 ? what : nothing}${place ? link : nothing}</span>`;
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

/** The buttons over the end of the row, while the pointer or the focus is in it. A touch screen has only the menu. */
function actions(props: RowProps): TemplateResult | typeof nothing {
  const { task, canCommand, readOnly, isTabStop } = props;
  if (!canCommand) return nothing;
  const tab = tabIndex(isTabStop);
  return html`<span class="jal-actions">
    ${readOnly ? nothing : commands(props, tab)}
    <button class="jal-button jal-dots" type="button" data-act="menu" aria-haspopup="menu" tabindex=${tab} title="More actions" aria-label=${`More actions for ${nameOf(task)}`}>⋯</button>
  </span>`;
}

function commands({ task, now, busy }: RowProps, tab: string): TemplateResult {
  const ended = END_STATES.has(task.state);
  return html`${ended ? nothing : button(task, "cancel", stopWord(task), tab, busy === "cancel" || !canStop(task, now))}
    ${canRetry(task) ? button(task, "retry", "Retry", tab, busy === "retry") : nothing}
    ${ended ? button(task, "delete", "Delete", tab, false) : nothing}`;
}

/** The task's question, not cut to one line, and its choices as buttons; free answers are entered in the task's own view. */
function question(props: RowProps): TemplateResult | typeof nothing {
  const { task, now } = props;
  if (!isWaitingForAnswer(task)) return nothing;
  const text = detailText(task, now);
  return html`<span class="jal-question"><span class="jal-note" title=${text}>${inlineCode(text)}</span>${answers(props)}</span>`;
}

function answers({ task, canCommand, readOnly, busy, isTabStop }: RowProps): TemplateResult | typeof nothing {
  if (!canCommand || readOnly || !task.prompt?.choices?.length) return nothing;
  const { prompt_id, choices } = task.prompt;
  return html`<span class="jal-answers" role="group" aria-label=${`Answers to ${nameOf(task)}`}>
    ${choices.map((choice, index) => button(task, `answer ${index} ${prompt_id}`, toSingleLine(choice), tabIndex(isTabStop), busy.startsWith("answer")))}
  </span>`;
}

function button(
  task: Snapshot,
  act: RowAction,
  word: string,
  tab: string,
  disabled: boolean,
): TemplateResult {
  return html`<button class="jal-button" type="button" data-act=${act} title=${`${word} ${nameOf(task)}`} aria-label=${word} tabindex=${tab}
    ?disabled=${disabled}>${word}</button>`;
}

function tabIndex(isTabStop: boolean): string {
  return isTabStop ? "0" : "-1";
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
