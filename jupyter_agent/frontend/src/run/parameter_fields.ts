/** A field for each parameter that the target declares. */

import { html, nothing, type TemplateResult } from "lit";
import { guard } from "lit/directives/guard.js";
import { live } from "lit/directives/live.js";
import type { Draft } from "./draft.js";
import { field, select } from "./fields.js";
import { choicesOf, defaultText, givenText } from "./parameter_values.js";
import type { Declared, TargetDescription } from "./requests.js";

type Change = (change: Partial<Draft>) => void;

export function parameterFields(
  draft: Draft,
  { parameters, more, note }: TargetDescription,
  change: Change,
): TemplateResult | typeof nothing {
  const names = Object.keys({ ...draft.given, ...draft.values });
  const undeclared = names.filter((name) => !parameters.some((one) => one.name === name));
  if (parameters.length + undeclared.length === 0 && !more && !note) return nothing;
  return html`<fieldset class="jar-group">
    <legend>Parameters</legend>
    ${note ? html`<p class="jar-note">${note}</p>` : nothing}
    ${parameters.map((parameter) => parameterField(draft, parameter, change))}
    ${undeclared.map((name) => undeclaredField(draft, name, change))}
    ${more ? othersField(draft, change) : nothing}
  </fieldset>`;
}

function parameterField(draft: Draft, parameter: Declared, change: Change): TemplateResult {
  const { given, values, kind } = draft;
  const { name, annotation, comment, secret, required } = parameter;
  const set = (value: string) => change({ values: { ...values, [name]: value } });
  const initial = Object.hasOwn(given, name)
    ? givenText(given[name], parameter, kind === "function")
    : defaultText(parameter);
  const value = values[name] ?? initial;
  const label = html`<code>${name}</code>${annotation ? html` <span class="jar-type">${annotation}</span>` : nothing}`;
  const choices = secret ? null : choicesOf(parameter);
  if (choices) {
    const offered = choices.includes(value) ? choices : [value, ...choices];
    return select(`p-${name}`, label, offered, {}, value, set, comment ?? "");
  }
  const placeholder = parameter.value === "" ? "" : (parameter.default ?? (required ? "needed" : ""));
  const type = secret ? "password" : "text";
  return field({ name: `p-${name}`, label, value, type, placeholder, hint: comment ?? "", required, set });
}

/** A value for a parameter that the target does not declare: of a schedule, or typed for the target that was here
 * before. It would be sent, and may be refused, so it is shown, and left out where its field is emptied. */
function undeclaredField({ given, values, kind }: Draft, name: string, change: Change): TemplateResult {
  return field({
    name: `p-${name}`,
    label: html`<code>${name}</code>`,
    value: values[name] ?? givenText(given[name], null, kind === "function"),
    set: (text) => change({ values: { ...values, [name]: text } }),
  });
}

function othersField({ others }: Draft, change: Change): TemplateResult {
  const onInput = (event: InputEvent) => change({ others: (event.target as HTMLTextAreaElement).value });
  return html`<details class="jar-more" ?open=${guard([], () => others !== "")}>
    <summary>Other parameters</summary>
    <textarea rows="2" spellcheck="false" aria-label="Other parameters" placeholder="name=value, one on each line" .value=${live(others)} @input=${onInput}></textarea>
  </details>`;
}
