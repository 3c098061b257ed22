/** Templates in place of rows and above them: the connection, and lists without rows. */

import { html, nothing, type TemplateResult } from "lit";
import { toSingleLine } from "../model/format.js";
import type { Status } from "../net/types.js";

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
