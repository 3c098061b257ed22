/** One task as a row. What is pressed in it is found by `data-act`. */

import { html, nothing, type TemplateResult } from "lit";
import { classMap } from "lit/directives/class-map.js";
import type { Snapshot } from "../net/types.js";
import { ENDED } from "../model/reducer.js";
import { share } from "../model/rate.js";
import { oneLine } from "../model/format.js";
import { asks, clock, measure, moment, nameOf, note, notebookOf, percent, stateWord } from "./labels.js";

const RETRIABLE = new Set(["failed", "cancelled", "interrupted"]);

export type Act =
  "open" | "notebook" | "cancel" | "retry" | "delete" | "keep" | "remove" | `answer ${number} ${string}`;

/** What is drawn. `rate`: units a second; `href`: the task's own page; null: there is none. */
export interface RowPicture {
  task: Snapshot;
  now: number;
  rate: number | null;
  href: string | null;
  /** What the server is being asked for, and what it refused; empty: nothing. */
  busy: string;
  refused: string;
  confirming: boolean;
  /** Whether this task is the one that is shown beside the list. */
  current: boolean;
  /** Whether something can be asked of the task, and its notebook opened. */
  acts: boolean;
  opens: boolean;
}

export function row(picture: RowPicture): TemplateResult {
  const { task, rate, now, current, refused } = picture;
  return html`<li class=${classMap({ "jal-row": true, "jal-asking": asks(task) })} data-task-id=${task.id} data-state=${task.state}
    aria-current=${current ? "true" : nothing}>
    <span class="jal-state">${stateWord(task)}</span>
    <span class="jal-what">${name(picture)}${where(picture)}</span>
    <span class="jal-how">${bar(task)}${say("note", note(task))}</span>
    <span class="jal-when" title=${clock(task)}>${say("measure", measure(task))}${say("moment", moment(task, rate, now))}</span>
    ${picture.confirming ? nothing : actions(picture)}
    ${picture.confirming ? question(task) : nothing}
    ${answers(picture)}
    ${refused ? html`<span class="jal-refused" role="status">${refused}</span>` : nothing}
  </li>`;
}

function say(name: string, text: string): TemplateResult | typeof nothing {
  return text
    ? html`<span class=${`jal-${name}`} title=${name === "note" ? text : nothing}>${text}</span>`
    : nothing;
}

function name({ task, href }: RowPicture): TemplateResult {
  const text = nameOf(task);
  return href === null
    ? html`<button class="jal-name" type="button" data-act="open" title=${text}>${text}</button>`
    : html`<a class="jal-name" href=${href} data-act="open" title=${text}>${text}</a>`;
}

/** Which attempt it is, and the notebook it came from. */
function where({ task, opens }: RowPicture): TemplateResult | typeof nothing {
  const place = notebookOf(task);
  if (task.attempt < 2 && !place) return nothing;
  const link = opens
    ? html`<button class="jal-place" type="button" data-act="notebook" title=${`Open ${task.notebook}`}>${place}</button>`
    : html`<span class="jal-place" title=${task.notebook ?? nothing}>${place}</span>`;
  return html`<span class="jal-where">
    ${task.attempt > 1 ? html`<span class="jal-attempt">attempt ${task.attempt}</span>` : nothing}${place ? link : nothing}
  </span>`;
}

function bar(task: Snapshot): TemplateResult | typeof nothing {
  const done = share(task);
  const unknown = done === null && task.state === "running" && !task.prompt;
  if (task.state === "completed" || (done === null && !unknown) || (ENDED.has(task.state) && task.error))
    return nothing;
  const known = done !== null;
  // As a property: a Content-Security-Policy without inline style refuses the attribute, by which `styleMap` begins.
  return html`<span class=${classMap({ "jal-bar": true, "jal-unknown": unknown })} role="progressbar"
    aria-label=${`Progress of ${nameOf(task)}`} aria-valuemin="0" aria-valuenow=${known ? task.progress!.done : nothing}
    aria-valuemax=${known ? task.progress!.total : nothing} aria-valuetext=${known ? percent(task) : nothing}>
    <span class="jal-fill" .style=${`transform: translateX(${((done ?? 0) - 1) * 100}%)`}></span>
  </span>`;
}

function actions({ task, acts, busy }: RowPicture): TemplateResult {
  const ended = ENDED.has(task.state);
  return html`<span class="jal-actions">
    ${acts && !ended ? button(task, "cancel", "Cancel", task.cancel_requested || busy === "cancel") : nothing}
    ${acts && RETRIABLE.has(task.state) ? button(task, "retry", "Retry", busy === "retry") : nothing}
    ${acts && ended ? button(task, "delete", "Delete", busy === "remove") : nothing}
  </span>`;
}

/** The choices of its question, by their place and the question; other answers are given where the task is shown whole. */
function answers({ task, acts, busy }: RowPicture): TemplateResult | typeof nothing {
  const { prompt_id: question, choices } = (acts && asks(task) && task.prompt) || {
    prompt_id: "",
    choices: null,
  };
  if (!choices?.length) return nothing;
  return html`<span class="jal-answers" role="group" aria-label=${`Answers to ${nameOf(task)}`}>
    ${choices.map((choice, place) => button(task, `answer ${place} ${question}`, oneLine(choice), busy.startsWith("answer")))}
  </span>`;
}

function question(task: Snapshot): TemplateResult {
  return html`<span class="jal-question" role="group" aria-label=${`Delete ${nameOf(task)}?`}>
    <span class="jal-asked">Delete it and its log for good?</span>
    ${button(task, "keep", "Keep", false)}${button(task, "remove", "Delete", false)}
  </span>`;
}

function button(task: Snapshot, act: Act, word: string, disabled: boolean): TemplateResult {
  return html`<button class="jal-button" type="button" data-act=${act} title=${`${word} ${nameOf(task)}`} aria-label=${word}
    ?disabled=${disabled}>${word}</button>`;
}
