/** The fields that say what to run. */

import { html, nothing, type TemplateResult } from "lit";
import { live } from "lit/directives/live.js";
import { type Draft, type Kind, KINDS } from "./draft.js";
import { radios } from "./fields.js";
import type { TargetDescription } from "./requests.js";

const LABELS: Record<Kind, string> = {
  notebook: "Notebook",
  function: "Function",
  command: "Command",
  agent: "Text for the agent",
};
const HINTS: Record<Kind, string> = {
  notebook: "reports/daily.ipynb",
  function: "package.module:function or jobs.py:function",
  command: "python train.py --epochs 5",
  agent: "Summarise the CSV files here",
};

const RUNS_AS: Record<string, string> = {
  notebook: "a notebook",
  function: "a function",
  command: "a command",
  agent: "text for the agent",
};

/** Return why the target cannot run, or that it would run as something else than what is chosen; empty: neither is known. */
export function targetTrouble(described: TargetDescription | string | null, { kind }: Draft): string {
  if (described === null || typeof described === "string") return described ?? "";
  const read = described.target.kind;
  return read === kind ? "" : `The server would run this as ${RUNS_AS[read] ?? read}.`;
}

/** `refused`: as `targetTrouble` says it. */
export function targetFields(
  draft: Draft,
  refused: string,
  change: (change: Partial<Draft>) => void,
): TemplateResult {
  const { kind, targets } = draft;
  const onInput = (event: InputEvent) =>
    change({ targets: { ...targets, [kind]: (event.target as HTMLInputElement).value } });
  return html`${radios("kind", "What", KINDS, LABELS, kind, (chosen) => change({ kind: chosen }))}
    <div class="jar-field">
      <label for="jar-target">${LABELS[kind]}</label>
      <input id="jar-target" class="jar-target" type="text" spellcheck="false" required placeholder=${HINTS[kind]}
        aria-invalid=${refused ? "true" : "false"} aria-describedby=${refused ? "jar-target-error" : nothing}
        .value=${live(targets[kind])} @input=${onInput}>
      ${refused ? html`<p id="jar-target-error" class="jar-error" role="status">${refused}</p>` : nothing}
    </div>`;
}
