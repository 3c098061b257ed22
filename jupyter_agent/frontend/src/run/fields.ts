/** Fields of the form. */

import { html, type TemplateResult } from "lit";
import { live } from "lit/directives/live.js";

/** Return a group of radio buttons in a row. */
export function radios<T extends string>(
  name: string,
  legend: string,
  values: readonly T[],
  labels: Record<T, string>,
  chosen: T,
  choose: (value: T) => void,
): TemplateResult {
  return html`<fieldset class="jar-choice">
    <legend>${legend}</legend>
    ${values.map(
      (value) =>
        html`<label><input type="radio" name="jar-${name}" value=${value} .checked=${live(value === chosen)} @change=${() => choose(value)}><span>${labels[value]}</span></label>`,
    )}
  </fieldset>`;
}

export interface FieldProperties {
  readonly name: string;
  readonly label: string | TemplateResult;
  readonly value: string;
  readonly type?: "text" | "number" | "password" | "datetime-local";
  readonly placeholder?: string;
  /** The id of a `datalist`. */
  readonly list?: string;
  readonly hint?: string;
  readonly required?: boolean;
  set(value: string): void;
}

/** Return a labelled input. */
export function field(properties: FieldProperties): TemplateResult {
  const {
    name,
    label,
    value,
    type = "text",
    placeholder = "",
    list = "",
    hint = "",
    required = false,
  } = properties;
  const id = `jar-${name}`;
  const onInput = (event: InputEvent) => properties.set((event.target as HTMLInputElement).value);
  return html`<div class="jar-field">
    <label for=${id}>${label}</label>
    <input id=${id} type=${type} min=${type === "number" ? "0" : ""} step="any" spellcheck="false"
      placeholder=${placeholder} list=${list} ?required=${required} aria-describedby=${`${id}-hint`} .value=${live(value)} @input=${onInput}>
    <span id=${`${id}-hint`} class="jar-hint">${hint}</span>
  </div>`;
}

/** Return a labelled select. */
export function select(
  name: string,
  label: string | TemplateResult,
  values: readonly string[],
  labels: Record<string, string>,
  chosen: string,
  choose: (value: string) => void,
  hint = "",
): TemplateResult {
  const id = `jar-${name}`;
  const onChange = (event: Event) => choose((event.target as HTMLSelectElement).value);
  return html`<div class="jar-field">
    <label for=${id}>${label}</label>
    <select id=${id} @change=${onChange} aria-describedby=${`${id}-hint`}>
      ${values.map((value) => html`<option value=${value} ?selected=${value === chosen}>${labels[value] ?? value}</option>`)}
    </select>
    <span id=${`${id}-hint`} class="jar-hint">${hint}</span>
  </div>`;
}
