/** The tools above the rows: search, chips, and the panel of the view. */

import { html, nothing, type TemplateResult } from "lit";
import type { Snapshot } from "../../net/types.js";
import { isWaitingForAnswer } from "../labels.js";
import type { ListView } from "./arrange.js";
import {
  countStates,
  parseQuery,
  searchTasks,
  type Token,
  valuesOf,
  withField,
  withoutToken,
} from "./query.js";
import type { SavedFilter } from "./saved_filters.js";
import { viewPanel, type ViewPanelProps } from "./view_panel.js";

/** Number of named tasks from which on the tools are shown. */
const MIN_NAMED_TASKS = 6;

export interface ToolbarProps extends ViewPanelProps {
  readonly now: number;
  /** Whether the server has older tasks. */
  readonly more: boolean;
  readonly isPanelOpen: boolean;
  /** How busy the workers are. */
  readonly workers: TemplateResult | typeof nothing;
  togglePanel(): void;
}

export function toolbar(tools: ToolbarProps): TemplateResult {
  const { view, isPanelOpen, show } = tools;
  return html`<div class="jal-tools">
    <div class="jal-find">
      <input class="jal-search" type="search" aria-label="Search tasks" placeholder="Search, or state:failed tag:…" autocomplete="off" spellcheck="false"
        .value=${view.query} @input=${(event: Event) => show({ query: (event.target as HTMLInputElement).value })}>
      <button class="jal-button jal-view" type="button" aria-expanded=${isPanelOpen ? "true" : "false"} title="Sort, group and filter" @click=${tools.togglePanel}>View</button>
    </div>
    ${chips(tools)}
    ${isPanelOpen ? viewPanel(tools) : nothing}
  </div>`;
}

/** The states with the number of tasks that the rest of the search finds, the search's other fields, and saved views. */
function chips({ view, all, now, more, saved, workers, show }: ToolbarProps): TemplateResult {
  const { query } = view;
  const [states, waits] = [
    valuesOf(query, "state").flatMap((value) => value.split(",")),
    valuesOf(query, "is"),
  ];
  const rest = withField(withField(query, "state", ""), "is", "");
  const found = searchTasks(all, rest, now);
  const waiting = found.filter(isWaitingForAnswer).length;
  const counts = new Map(countStates(found));
  for (const state of states) counts.set(state, counts.get(state) ?? 0);
  const chip = (name: string, number: string | number, pressed: boolean, next: string, label = name) =>
    html`<button class="jal-filter" type="button" data-filter=${name} aria-pressed=${pressed ? "true" : "false"} @click=${() => show({ query: next })}>${label} <span class="jal-count">${number}</span></button>`;
  const isAll = states.length === 0 && waits.length === 0;
  return html`<div class="jal-filters" role="group" aria-label="Show">
    ${chip("all", `${found.length}${more ? "+" : ""}`, isAll, rest)}
    ${waiting || waits.includes("waiting") ? chip("waiting", waiting, waits.includes("waiting"), withField(rest, "is", waits.includes("waiting") ? "" : "waiting"), "waiting for you") : nothing}
    ${[...counts].map(([state, number]) => chip(state, number, states.includes(state), withField(rest, "state", states.includes(state) ? "" : state)))}
    ${parseQuery(rest).map((token) => (token.field ? tokenChip(query, token, show) : nothing))}
    ${saved.map((filter) => savedChip(view, filter, show))}${workers}
  </div>`;
}

function tokenChip(query: string, token: Token, show: ToolbarProps["show"]): TemplateResult {
  const text = `${token.field}: ${token.value}`;
  return html`<button class="jal-filter jal-token" type="button" aria-label=${`Remove ${text}`} title=${`Remove ${text}`} @click=${() => show({ query: withoutToken(query, token) })}>${text} <span aria-hidden="true">✕</span></button>`;
}

function savedChip(view: ListView, filter: SavedFilter, show: ToolbarProps["show"]): TemplateResult {
  const { name, ...saved } = filter;
  const isShown = (Object.keys(saved) as (keyof ListView)[]).every((key) => saved[key] === view[key]);
  return html`<button class="jal-filter jal-saved" type="button" data-saved=${name} aria-pressed=${isShown ? "true" : "false"} @click=${() => show(saved)}><span aria-hidden="true">★</span> ${name}</button>`;
}

/** Return whether to show the tools. `named`: the list is of named tasks; `busy`: a search is set. */
export function needsToolbar(all: readonly Snapshot[], named: boolean, busy: boolean): boolean {
  return busy || all.length >= (named ? MIN_NAMED_TASKS : 1);
}
