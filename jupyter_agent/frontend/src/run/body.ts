/** The body of a request, from what was entered. */

import type { Draft } from "./draft.js";
import { parametersJson } from "./parameter_values.js";
import type { Declared } from "./requests.js";

const TRIGGER_FIELDS = ["when", "at", "every", "cron", "timezone", "overlap"] as const;

/** Return the target as the server reads it; empty while none was entered. */
export function targetOf({ kind, targets }: Draft): string {
  const text = targets[kind].trim();
  return text && kind === "command" ? `-- ${text}` : text;
}

/** Return whether parameters can be passed. */
export function takesParameters({ kind }: Draft): boolean {
  return kind === "notebook" || kind === "function";
}

/** Return a trigger as the server reads it; null: now. Without a time zone it is the server's. */
export function triggerOf(draft: Draft): Record<string, string> | null {
  const { when } = draft;
  const timezone = draft.timezone.trim();
  return when === "now" ? null : { [when]: draft[when].trim(), ...(timezone && { timezone }) };
}

/** Return the draft with the parameters of the schedule that is edited (`before`) while its target is the one that is
 * entered: they say nothing of another. */
export function withOwnParameters(draft: Draft, before: Draft): Draft {
  const given = targetOf(draft) === targetOf(before) ? before.given : {};
  return { ...draft, given };
}

/** Return the body of a new task or schedule. */
export function newBody(draft: Draft, declared: readonly Declared[]): string {
  const trigger = triggerOf(draft);
  const { name, key, retries, timeout, overlap } = draft;
  return joined(
    {
      target: targetOf(draft),
      ...(name.trim() && { name: name.trim() }),
      ...(key.trim() && trigger === null && { key: key.trim() }),
      ...(retries && { retries: Number(retries) }),
      ...(timeout && { timeout: Number(timeout) }),
      ...(trigger && { schedule: { ...trigger, overlap } }),
    },
    takesParameters(draft) ? parameters(draft, declared) : null,
  );
}

/** Return the body that changes a schedule: only what differs from what the form began with. */
export function changeBody(draft: Draft, before: Draft, declared: readonly Declared[]): string {
  const { name, retries, timeout, overlap } = draft;
  const isOther = targetOf(draft) !== targetOf(before);
  const hasOtherValues = draft.values !== before.values || draft.others !== before.others;
  const isOtherTime = TRIGGER_FIELDS.some((field) => draft[field] !== before[field]);
  return joined(
    {
      ...(isOther && { target: targetOf(draft) }),
      ...(name !== before.name && { name: name.trim() || null }),
      ...(retries !== before.retries && { retries: Number(retries) }),
      ...(timeout !== before.timeout && { timeout: timeout ? Number(timeout) : null }),
      ...(isOtherTime && { schedule: { ...triggerOf(draft), overlap } }),
    },
    takesParameters(draft) && (isOther || hasOtherValues) ? parameters(draft, declared) : null,
  );
}

function parameters(draft: Draft, declared: readonly Declared[]): string {
  const { given, values, others, kind } = draft;
  return parametersJson({ given, values, others }, declared, kind === "function");
}

/** Return the JSON of an object with these fields, and with the parameters, which keep how numbers are written. */
function joined(fields: object, given: string | null): string {
  const text = JSON.stringify(fields);
  if (given === null) return text;
  return `${text.slice(0, -1)}${text === "{}" ? "" : ","}"parameters":${given}}`;
}
