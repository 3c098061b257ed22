/** The table of runs: parameters that differ, and the last, lowest and highest value of each metric. */

import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { runStyle } from "../dom/series_colors.js";
import { printable } from "../model/format.js";
import { bestOf, sorted, type Column, type Order } from "./columns.js";
import type { Run } from "./compare_store.js";

export interface TableProps {
  readonly runs: readonly Run[];
  readonly columns: readonly Column[];
  readonly order: Order;
  readonly hidden: ReadonlySet<number>;
  labelOf(run: Run): string;
  /** The address of a task; null without a server. */
  hrefOf(run: Run): string | null;
  sortBy(key: string): void;
  open(run: Run, event: MouseEvent): void;
}

export function runTable(props: TableProps): TemplateResult {
  const { runs, columns, order } = props;
  const best = columns.map((column) => bestOf(column, runs));
  return html`<div class="jac-scroll" role="region" aria-label="Table of the runs" tabindex="0">
    <table class="jac-table">
      <thead>
        <tr><th class="jac-run" scope="col" rowspan="2">Run</th>${groups(columns).map((group) => groupHead(group, props))}</tr>
        <tr>${columns.filter(({ metric }) => metric !== null).map((column) => columnHead(column, props))}</tr>
      </thead>
      <tbody>
        ${repeat(
          sorted(runs, columns, order),
          ({ index }) => index,
          (run) => row(run, best, props),
        )}
      </tbody>
    </table>
  </div>`;
}

/** Return the columns, those of one metric together. */
function groups(columns: readonly Column[]): Column[][] {
  const found: Column[][] = [];
  for (const column of columns) {
    const last = found.at(-1);
    if (column.metric !== null && last?.[0]?.metric === column.metric) last.push(column);
    else found.push([column]);
  }
  return found;
}

function groupHead([first, ...rest]: Column[], props: TableProps): TemplateResult {
  if (first!.metric === null) return columnHead(first!, props);
  const title = printable(first!.metric);
  return html`<th class="jac-metric" scope="colgroup" colspan=${rest.length + 1} title=${title}>${title}</th>`;
}

function columnHead(
  { key, title, metric, isNumeric }: Column,
  { order, sortBy }: TableProps,
): TemplateResult {
  const isSorted = order?.key === key;
  const direction = order?.isDescending ? "descending" : "ascending";
  return html`<th scope="col" rowspan=${metric === null ? 2 : nothing} ?data-numeric=${isNumeric} ?data-first=${title === "last" && metric !== null}
    aria-sort=${isSorted ? direction : nothing}>
    <button class="jac-sort" type="button" title=${`Sort by ${metric === null ? title : `${title} ${metric}`}`} @click=${() => sortBy(key)}>${title}<span
      class="jac-arrow" aria-hidden="true">${isSorted ? (order.isDescending ? "▼" : "▲") : ""}</span></button>
  </th>`;
}

function row(run: Run, best: (number | null)[], props: TableProps): TemplateResult {
  const { columns, hidden, labelOf, hrefOf, open } = props;
  const { color, dash } = runStyle(run.index);
  const label = labelOf(run);
  return html`<tr data-task-id=${run.task.id} ?data-hidden=${hidden.has(run.index)}>
    <th class="jac-run" scope="row"><span class="jac-cell"><span class="jac-swatch" ?data-dashed=${dash > 0} .style=${`color:${color}`}></span>
      <a class="jac-name" href=${hrefOf(run) ?? nothing} title=${label} @click=${(event: MouseEvent) => open(run, event)}>${label}</a></span></th>
    ${columns.map((column, at) => cell(column, run, best[at]!))}
  </tr>`;
}

function cell(column: Column, run: Run, best: number | null): TemplateResult {
  const { text, value } = column.cell(run);
  const isBest = best !== null && value === best;
  return html`<td ?data-numeric=${column.isNumeric} ?data-first=${column.metric !== null && column.title === "last"} ?data-best=${isBest} title=${text}>${
    isBest ? html`<strong>${text}</strong>` : text
  }</td>`;
}
