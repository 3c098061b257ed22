/** The templates around rows: one list, or groups that open and close. */

import { html, nothing, type TemplateResult } from "lit";
import { live } from "lit/directives/live.js";
import { repeat } from "lit/directives/repeat.js";
import type { Snapshot } from "../../net/types.js";
import { sweepOf } from "../../model/sweeps.js";
import type { Group, Grouping } from "../filters/arrange.js";
import { countStates } from "../filters/query.js";
import type { Selection } from "../selection/selection.js";

export type RowTemplate = (task: Snapshot) => TemplateResult;

export function rowList(tasks: readonly Snapshot[], row: RowTemplate, label = "Tasks"): TemplateResult {
  return html`<ul class="jal-rows" role="list" aria-label=${label}>${repeat(tasks, ({ id }) => id, row)}</ul>`;
}

export interface GroupListProps {
  readonly groups: readonly Group[];
  readonly grouping: Grouping;
  /** The tasks whose rows are drawn. */
  readonly drawn: ReadonlySet<string>;
  readonly selection: Selection;
  readonly canCommand: boolean;
  readonly row: RowTemplate;
  isOpen(title: string): boolean;
  toggle(title: string): void;
  compare(ids: readonly string[]): void;
}

export function groupList(props: GroupListProps): TemplateResult {
  return html`<div class="jal-groups">${repeat(
    props.groups,
    ({ title }) => title,
    (group) => groupSection(group, props),
  )}</div>`;
}

function groupSection({ title, tasks }: Group, props: GroupListProps): TemplateResult {
  const { selection, isOpen, toggle, drawn } = props;
  const [ids, open] = [tasks.map(({ id }) => id), isOpen(title)];
  const selected = ids.filter((id) => selection.has(id)).length;
  const checkbox = html`<input class="jal-check" type="checkbox" aria-label=${`Select all of ${title}`} tabindex="-1"
    .checked=${live(selected === ids.length)} .indeterminate=${selected > 0 && selected < ids.length} @change=${() => selection.toggleAll(ids)}>`;
  return html`<section class="jal-group" aria-label=${title} data-group=${title}>
    <div class="jal-group-head" ?data-selected=${selected > 0}>
      <label class="jal-mark">${props.canCommand ? checkbox : nothing}</label>
      <button class="jal-fold" type="button" aria-expanded=${open ? "true" : "false"} title=${title} @click=${() => toggle(title)}><span class="jal-title">${title}</span></button>
      ${compareButton(title, tasks, props)}
      <span class="jal-tally">${countStates(tasks).map(([state, number]) => html`<span class="jal-number" data-state=${state}>${number} ${state}</span>`)}</span>
    </div>
    ${
      open
        ? rowList(
            tasks.filter(({ id }) => drawn.has(id)),
            props.row,
            title,
          )
        : nothing
    }
  </section>`;
}

/** What a group is called after its runs. */
const WORDS: Record<Grouping, string> = { "": "", name: "of", tag: "tagged", notebook: "of" };

/** Offer to compare a group, where it has something to compare. */
function compareButton(
  title: string,
  tasks: Group["tasks"],
  { grouping, compare }: GroupListProps,
): TemplateResult | typeof nothing {
  const sweep = sweepOf(`${WORDS[grouping]} ${title}`, tasks);
  if (!sweep) return nothing;
  return html`<button class="jal-button jal-compare" type="button" title=${sweep.label} aria-label=${sweep.label} @click=${() => compare(sweep.ids)}>Compare</button>`;
}
