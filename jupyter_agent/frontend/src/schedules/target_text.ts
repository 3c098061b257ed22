/** A schedule's target in words. */

import { toSingleLine } from "../model/format.js";
import type { Schedule } from "../screens/run_options.js";

/** Return a notebook's or a function's name with its parameters, a command's line, or the text for an agent. */
export function targetText(target: Schedule["target"]): string {
  const { kind, parameters } = target;
  const given = Object.entries((parameters as Record<string, unknown> | undefined) ?? {});
  const values = given.map(
    ([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return toSingleLine([nameOf(kind, target), ...values].filter(Boolean).join(" "));
}

function nameOf(kind: string, { argv, path, text, function: name }: Schedule["target"]): string {
  if (Array.isArray(argv)) return argv.join(" ");
  const found = [path, text, name].find((one): one is string => typeof one === "string");
  const hasFile = kind === "notebook" || kind === "function";
  return (hasFile ? found?.split(/[\\/]/).at(-1) : found) ?? kind;
}
