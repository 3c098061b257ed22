/** The fields that few runs need: name, key, retries, timeout. */

import { html, nothing, type TemplateResult } from "lit";
import { guard } from "lit/directives/guard.js";
import type { Draft } from "./draft.js";
import { field } from "./fields.js";

export function optionFields(
  draft: Draft,
  isSchedule: boolean,
  change: (change: Partial<Draft>) => void,
): TemplateResult {
  const { name, key, retries, timeout, when } = draft;
  const isOpen = guard([], () => Boolean(name || key || retries || timeout)); // at first: then the person decides
  return html`<details class="jar-more" ?open=${isOpen}>
    <summary>Name, retries, timeout</summary>
    <div class="jar-group">
      ${field({ name: "name", label: "Name", value: name, placeholder: "as the target", set: (value) => change({ name: value }) })}
      ${isSchedule || when !== "now" ? nothing : keyField(key, change)}
      ${field({ name: "retries", label: "Retries", value: retries, type: "number", placeholder: "0", hint: "after a failure", set: (value) => change({ retries: value }) })}
      ${field({ name: "timeout", label: "Timeout (s)", value: timeout, type: "number", placeholder: "none", hint: "for each attempt", set: (value) => change({ timeout: value }) })}
    </div>
  </details>`;
}

function keyField(value: string, change: (change: Partial<Draft>) => void): TemplateResult {
  const hint = "a running or completed task with this key is opened instead";
  return field({
    name: "key",
    label: "Key",
    value,
    hint,
    placeholder: "none",
    set: (key) => change({ key }),
  });
}
