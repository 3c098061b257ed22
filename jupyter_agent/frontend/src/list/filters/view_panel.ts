/** The panel of a list's view: its order, its groups, filters to choose from, and views to save. */

import { html, nothing, type TemplateResult } from "lit";
import { END_STATES } from "../../model/reducer.js";
import type { Snapshot } from "../../net/types.js";
import type { Grouping, ListView, Sort } from "./arrange.js";
import { type Count, countValues, notebooksOf, tagsOf, valuesOf, withField } from "./query.js";
import type { SavedFilter } from "./saved_filters.js";

type Option = readonly [value: string, label: string];

const SORTS: readonly (readonly [Sort, string])[] = [
  ["", "active first"],
  ["queued", "queued"],
  ["ended", "ended"],
  ["name", "name"],
  ["duration", "duration"],
  ["state", "state"],
];
const GROUPINGS: readonly (readonly [Grouping, string])[] = [
  ["", "none"],
  ["name", "name"],
  ["tag", "tag"],
  ["notebook", "notebook"],
];
const TIMES: readonly Option[] = [
  ["1h", "the last hour"],
  ["24h", "the last 24 hours"],
  ["7d", "the last 7 days"],
];

export interface ViewPanelProps {
  readonly view: ListView;
  readonly all: readonly Snapshot[];
  /** The tasks that the view shows. */
  readonly shown: readonly Snapshot[];
  readonly saved: readonly SavedFilter[];
  readonly readOnly: boolean;
  show(view: Partial<ListView>): void;
  save(name: string): void;
  forget(name: string): void;
  /** Delete all ended tasks that the view shows. */
  removeEnded(): void;
}

export function viewPanel(props: ViewPanelProps): TemplateResult {
  const { view, all, show } = props;
  const filter = (label: string, field: string, options: readonly Option[]) => {
    const [value = ""] = valuesOf(view.query, field);
    const known =
      !value || options.some(([one]) => one === value) ? options : [...options, [value, value] as const];
    return choice(label, value, [["", "any"], ...known], (next) =>
      show({ query: withField(view.query, field, next) }),
    );
  };
  return html`<div class="jal-panel" role="group" aria-label="View">
    ${choice("Sort by", view.sort, SORTS, (sort) => show({ sort: sort as Sort }))}
    <label class="jal-choice"><input type="checkbox" .checked=${view.reversed} @change=${() => show({ reversed: !view.reversed })}> reversed</label>
    ${choice("Group by", view.group, GROUPINGS, (group) => show({ group: group as Grouping }))}
    ${filter("Tag", "tag", options(countValues(all, tagsOf)))}
    ${filter("Notebook", "notebook", options(countValues(all, notebooksOf)))}
    ${filter("Time", "last", TIMES)}
    ${saveForm(props)}
    ${!props.readOnly && props.shown.some(({ state }) => END_STATES.has(state)) ? html`<button class="jal-button" type="button" data-bulk="ended" @click=${props.removeEnded}>Delete the ended tasks shown</button>` : nothing}
  </div>`;
}

function options(counts: readonly Count[]): Option[] {
  return counts.map(([value, tasks]) => [value, `${value} (${tasks})`]);
}

function choice(
  label: string,
  value: string,
  offered: readonly Option[],
  choose: (value: string) => void,
): TemplateResult {
  return html`<label class="jal-choice"><span>${label}</span>
    <select @change=${(event: Event) => choose((event.target as HTMLSelectElement).value)}>
      ${offered.map(([one, text]) => html`<option value=${one} .selected=${one === value}>${text}</option>`)}
    </select></label>`;
}

function saveForm({ saved, save, forget }: ViewPanelProps): TemplateResult {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const name = form.querySelector("input")!.value.trim();
    if (name) save(name);
    form.reset();
  };
  return html`<form class="jal-save" @submit=${submit}>
      <input class="jal-search" name="name" aria-label="Name of the view" placeholder="Save this view as…" autocomplete="off" maxlength="60">
      <button class="jal-button">Save</button>
    </form>
    ${saved.length === 0 ? nothing : html`<span class="jal-saved-list">${saved.map(({ name }) => html`<span class="jal-saved-one">★ ${name} <button class="jal-button" type="button" aria-label=${`Delete the view ${name}`} title="Delete" @click=${() => forget(name)}>✕</button></span>`)}</span>`}`;
}
