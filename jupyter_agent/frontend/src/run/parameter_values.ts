/** Values of parameters: between what a person types and JSON, as the command line reads them. */

import type { Declared } from "./requests.js";

/** As JSON has them, but also with nothing before the point. */
const NUMBER = /^-?(?:(?:0|[1-9]\d*)(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const WORDS: Record<string, string> = {
  True: "true",
  true: "true",
  False: "false",
  false: "false",
  None: "null",
  null: "null",
};

/** Return the JSON for a typed value of a notebook's parameter. A number keeps how it is written: 5.0 is not 5. */
export function jsonOf(text: string): string {
  const typed = text.trim();
  if (NUMBER.test(typed)) return typed.replace(/^(-?)\./, "$10.");
  if (Object.hasOwn(WORDS, typed)) return WORDS[typed]!;
  return /^[[{"]/.test(typed) && isJson(typed) ? typed : JSON.stringify(text);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** Return what has to be typed for a value. */
export function typedText(value: unknown): string {
  if (typeof value === "string")
    return jsonOf(value) === JSON.stringify(value) ? value : JSON.stringify(value);
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  return JSON.stringify(value);
}

/** Return whether a parameter is a text, whatever is typed. */
function isText({ value, annotation, secret }: Declared): boolean {
  return secret || typeof value === "string" || annotation === "str";
}

/** Return what a parameter's field has at first: the default, if it can be typed. */
export function defaultText(parameter: Declared): string {
  const { value, default: source, secret } = parameter;
  if (secret) return "";
  if (typeof value === "string") return value;
  return value !== null || source === "None" ? (source ?? "") : "";
}

/** Return the values that a select offers; null: any text. */
export function choicesOf({ value, choices, annotation }: Declared): readonly string[] | null {
  if (choices) return choices.map((choice) => (typeof choice === "string" ? choice : typedText(choice)));
  return typeof value === "boolean" || annotation === "bool" ? ["True", "False"] : null;
}

/** Return what a field shows for a value that a schedule has. `parameter`: null when the target does not declare it. */
export function givenText(value: unknown, parameter: Declared | null, ofFunction: boolean): string {
  const isRaw = ofFunction || (parameter !== null && isText(parameter));
  return isRaw && typeof value === "string" ? value : typedText(value);
}

/** What was entered: values of declared parameters, and lines of others. */
export interface Entered {
  readonly given: Readonly<Record<string, unknown>>;
  readonly values: Readonly<Record<string, string>>;
  readonly others: string;
}

/** Return the JSON object of the parameters to send: those that are not left at their default. The
 * unchanged values of a schedule are sent as they are.
 *
 * A function's texts are read by its annotations, by the server. */
export function parametersJson(
  { given, values, others }: Entered,
  declared: readonly Declared[],
  ofFunction: boolean,
): string {
  const kept = Object.entries(given).filter(([name]) => !Object.hasOwn(values, name));
  const known = new Map(declared.map((parameter) => [parameter.name, parameter]));
  const pairs = Object.entries(values).flatMap(([name, text]) => {
    const parameter = known.get(name);
    if (parameter && text === defaultText(parameter)) return [];
    if (text === "" && !(parameter && isText(parameter))) return [];
    return [[name, parameter && isText(parameter) ? JSON.stringify(text) : jsonOf(text), text] as const];
  });
  const more = others.split("\n").flatMap((line) => {
    const [name, ...rest] = line.split("=");
    const text = rest.join("=").trim();
    return line.trim() ? [[name!.trim(), jsonOf(text), text] as const] : [];
  });
  const body = [...pairs, ...more].map(([name, json, text]) => {
    return `${JSON.stringify(name)}:${ofFunction ? JSON.stringify(text) : json}`;
  });
  const unchanged = kept.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  return `{${[...unchanged, ...body].join(",")}}`;
}
