/** Templates above and below the rows: search, filters and notices. */

import { html, nothing, type TemplateResult } from "lit";
import { toSingleLine } from "../model/format.js";
import type { Snapshot, State, Status } from "../net/types.js";
import { countByState, type StateFilter, STATES } from "./filter.js";

/** Number of named tasks from which on the tools are shown. */
const MIN_NAMED_TASKS = 6;

/** `found`: the tasks that match the search; `more`: whether the server has older ones. */
export interface ToolbarProps {
  query: string;
  filter: StateFilter;
  found: readonly Snapshot[];
  more: boolean;
  search(query: string): void;
  filterBy(filter: StateFilter): void;
}

export function toolbar(tools: ToolbarProps): TemplateResult {
  const counts = countByState(tools.found);
  const offered = STATES.filter((state) => counts.has(state) || tools.filter === state);
  return html`<div class="jal-tools">
    <input class="jal-search" type="search" aria-label="Search tasks" placeholder="Search" autocomplete="off" spellcheck="false"
      .value=${tools.query} @input=${(event: Event) => tools.search((event.target as HTMLInputElement).value)}>
    <div class="jal-filters" role="group" aria-label="Show">
      ${filterButton(tools, "all", `${tools.found.length}${tools.more ? "+" : ""}`)}
      ${offered.map((state) => filterButton(tools, state, String(counts.get(state) ?? 0)))}
    </div>
  </div>`;
}

function filterButton(
  { filter, filterBy }: ToolbarProps,
  state: State | "all",
  number: string,
): TemplateResult {
  return html`<button class="jal-filter" type="button" data-filter=${state} aria-pressed=${filter === state ? "true" : "false"}
    @click=${() => filterBy(state)}>${state} <span class="jal-count">${number}</span></button>`;
}

/** Return whether to show the tools. `named`: the list is of named tasks; `busy`: a search or filter is set. */
export function needsToolbar(all: readonly Snapshot[], named: boolean, busy: boolean): boolean {
  return busy || all.length >= (named ? MIN_NAMED_TASKS : 1);
}

/** The state of the connection, or why it ended; while it is live, what the server says about its health. */
export function connectionNotice(
  status: Status,
  error: string | TemplateResult | null,
  trouble: readonly string[],
): TemplateResult | typeof nothing {
  const words = {
    live: "",
    connecting: "Connecting…",
    offline: "Offline. What is shown may be old; it reconnects automatically.",
  }[status];
  const text = error ?? (words || toSingleLine(trouble.join(". ")));
  return text ? html`<p class="jal-link" role="status">${text}</p>` : nothing;
}

/** The notice of a list without rows. `ids`: the tasks that it names; null: it is of all tasks. */
export function emptyNotice(
  waiting: boolean,
  searching: boolean,
  ids: readonly string[] | null,
  clear: () => void,
): TemplateResult {
  if (searching) {
    return html`<p class="jal-empty">No task here matches.
      <button class="jal-button" type="button" @click=${clear}>Show all</button></p>`;
  }
  if (waiting) return html`<p class="jal-empty" aria-hidden="true"></p>`;
  if (ids?.length === 0) return html`<p class="jal-empty">No tasks.</p>`;
  if (ids) return html`<p class="jal-empty">These tasks were deleted.</p>`;
  return html`<div class="jal-empty"><p>No tasks yet. Run one in a notebook:</p>
    <pre class="jal-code">import jupyter_agent as ja

@ja.task
def work():
    for step in ja.track(range(100)):
        ...

work.submit()</pre></div>`;
}
