/** The last runs of a schedule: a coloured mark for each, oldest first, that leads to its task. */

import { html, nothing, type TemplateResult } from "lit";
import { formatAge, formatDuration, formatMoment } from "../model/format.js";
import { type Server, taskAddress } from "../net/server.js";
import type { Run, Schedule } from "../screens/run_options.js";

/** Render the marks. `current`: the task that is open. `open` opens the task with an id. */
export function runMarks(
  { runs = [] }: Schedule,
  server: Server,
  current: string | null,
  open: (task: string) => void,
): TemplateResult | typeof nothing {
  if (runs.length === 0) return nothing;
  const oldestFirst = [...runs].sort((one, other) => one.due - other.due);
  return html`<ol class="jas-marks" role="list" aria-label="Last runs">${oldestFirst.map((run) => mark(run, server, current, open))}</ol>`;
}

function mark(
  run: Run,
  server: Server,
  current: string | null,
  open: (task: string) => void,
): TemplateResult {
  const text = textOf(run, Date.now() / 1000);
  const { task } = run;
  const said = html`<span class="jas-said">${text}</span>`;
  if (run.state === null)
    return html`<li><span class="jas-mark" data-state="gone" title=${text}>${said}</span></li>`;
  const href = taskAddress(server, task);
  const press = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(task);
  };
  return html`<li><a class="jas-mark" href=${href} data-state=${run.state} data-task-id=${task} title=${text}
    aria-current=${task === current ? "true" : nothing} @click=${press}>${said}</a></li>`;
}

/** Return what happened, and when: "completed in 3m 08s, 2h ago, due 2026-11-30 09:00:00". */
export function textOf({ state, duration, ended, due }: Run, now: number): string {
  const took = duration === null ? "" : ` in ${formatDuration(duration)}`;
  const when = ended === null ? "" : `, ${formatAge(now - ended)}`;
  return `${state ?? "deleted"}${took}${when}, due ${formatMoment(due)}`;
}
