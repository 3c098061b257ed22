/** What is above and below the rows. */

import { html, nothing, type TemplateResult } from "lit";
import type { Snapshot, State, Status } from "../net/types.js";
import { count, type Filter, STATES } from "./filter.js";

/** Tasks from which on it is worth searching among named ones. */
const WORTH = 6;

/** `found`: the tasks that the search found. */
export interface Tools {
  query: string;
  filter: Filter;
  found: readonly Snapshot[];
  more: boolean;
  search(query: string): void;
  choose(filter: Filter): void;
}

export function toolbar(tools: Tools): TemplateResult {
  const counts = count(tools.found);
  const offered = STATES.filter((state) => counts.has(state) || tools.filter === state);
  return html`<div class="jal-tools">
    <input class="jal-search" type="search" aria-label="Search tasks" placeholder="Search" autocomplete="off" spellcheck="false"
      .value=${tools.query} @input=${(event: Event) => tools.search((event.target as HTMLInputElement).value)}>
    <div class="jal-filters" role="group" aria-label="Show">
      ${filter(tools, "all", `${tools.found.length}${tools.more ? "+" : ""}`)}
      ${offered.map((state) => filter(tools, state, String(counts.get(state) ?? 0)))}
    </div>
  </div>`;
}

function filter({ filter, choose }: Tools, state: State | "all", number: string): TemplateResult {
  return html`<button class="jal-filter" type="button" data-filter=${state} aria-pressed=${filter === state ? "true" : "false"}
    @click=${() => choose(state)}>${state} <span class="jal-count">${number}</span></button>`;
}

/** Whether the tools are worth their place. */
export function wantsTools(all: readonly Snapshot[], named: boolean, busy: boolean): boolean {
  return busy || all.length >= (named ? WORTH : 1);
}

/** How the connection is, when that needs to be said. */
export function link(status: Status, trouble: string | null): TemplateResult | typeof nothing {
  const words = {
    live: "",
    connecting: "Connecting…",
    offline: "Offline. What is shown may be old; it goes on by itself.",
  }[status];
  const text = trouble ?? words;
  return text ? html`<p class="jal-link" role="status">${text}</p>` : nothing;
}

/** What to do when there is nothing to show. */
export function nothingHere(
  waiting: boolean,
  searching: boolean,
  named: boolean,
  clear: () => void,
): TemplateResult {
  if (searching) {
    return html`<p class="jal-empty">No task here matches.
      <button class="jal-button" type="button" @click=${clear}>Show all</button></p>`;
  }
  if (waiting) return html`<p class="jal-empty" aria-hidden="true"></p>`;
  if (named) return html`<p class="jal-empty">These tasks are not there any more.</p>`;
  return html`<div class="jal-empty"><p>No tasks yet. Run one in a notebook:</p>
    <pre class="jal-code">import jupyter_agent as ja

@ja.task
def work():
    for step in ja.track(range(100)):
        ...

work.submit()</pre></div>`;
}
