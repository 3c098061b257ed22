/** What a person has entered so far: texts, as the fields have them. */

import { formatMoment } from "../model/format.js";
import type { RunOptions, Schedule } from "../screens/run_options.js";

export const KINDS = ["notebook", "function", "command", "agent"] as const;
export type Kind = (typeof KINDS)[number];
export const TIMES = ["now", "at", "every", "cron"] as const;
export type When = (typeof TIMES)[number];

export interface Draft {
  readonly kind: Kind;
  /** What each kind's field has: another kind may be looked at without losing what was typed. */
  readonly targets: Readonly<Record<Kind, string>>;
  /** The parameters of the schedule that is edited, as the server has them; empty for what is new. */
  readonly given: Readonly<Record<string, unknown>>;
  /** By parameter: only those that were changed. */
  readonly values: Readonly<Record<string, string>>;
  /** Parameters that the target does not declare: a line of `name=value` each. */
  readonly others: string;
  readonly name: string;
  readonly key: string;
  readonly retries: string;
  readonly timeout: string;
  readonly when: When;
  readonly at: string;
  readonly every: string;
  readonly cron: string;
  readonly timezone: string;
  readonly overlap: string;
}

/** Return the draft that a form begins with. `now` is the local time, from which "at" is suggested. */
export function draftOf(options: RunOptions, now: Date): Draft {
  const { path = "", schedule } = options;
  const empty: Draft = {
    ...targetOfFile(path),
    given: {},
    values: {},
    others: "",
    name: "",
    key: "",
    retries: "",
    timeout: "",
    when: options.scheduled ? "cron" : "now",
    at: nextHour(now),
    every: "1h",
    cron: "0 9 * * MON-FRI",
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    overlap: "skip",
  };
  return schedule ? { ...empty, ...draftOfSchedule(schedule) } : empty;
}

/** A Python file can run as a program; which of its functions is meant, the person says. */
function targetOfFile(path: string): Pick<Draft, "kind" | "targets"> {
  const targets = { notebook: "", function: "", command: "", agent: "" };
  if (path.endsWith(".py")) {
    return {
      kind: "command",
      targets: { ...targets, function: `${path}:`, command: `python ${quoted(path)}` },
    };
  }
  return { kind: "notebook", targets: { ...targets, notebook: path } };
}

function draftOfSchedule(schedule: Schedule): Partial<Draft> {
  const { target, trigger, name, retries, timeout, timezone, overlap } = schedule;
  const kind = KINDS.find((one) => one === target.kind) ?? "notebook";
  const targets = { notebook: "", function: "", command: "", agent: "", [kind]: textOfTarget(target) };
  const given = (target.parameters ?? {}) as Record<string, unknown>;
  return {
    kind,
    targets,
    given,
    name,
    retries: retries > 0 ? String(retries) : "",
    timeout: timeout === null ? "" : String(timeout),
    ...draftOfTrigger(trigger),
    timezone,
    overlap,
  };
}

function textOfTarget(target: Schedule["target"]): string {
  const { argv, path, text, function: name } = target;
  if (Array.isArray(argv)) return argv.map((word) => quoted(String(word))).join(" ");
  return [path, text, name].find((one): one is string => typeof one === "string") ?? "";
}

function draftOfTrigger({ kind, seconds, expression, time, timezone }: Schedule["trigger"]): Partial<Draft> {
  if (kind === "every") return { when: "every", every: `${String(seconds)}s` };
  if (kind === "cron") return { when: "cron", cron: String(expression) };
  return { when: "at", at: localTime(Number(time), String(timezone)) };
}

/** Return a time as the clocks of a time zone show it, "2031-05-17T22:00:00". */
function localTime(time: number, timeZone: string): string {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" });
  return format.format(time * 1000).replace(" ", "T");
}

/** Return a word as a shell would need it. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

function nextHour(now: Date): string {
  const [day, clock = ""] = formatMoment(now.getTime() / 1000 + 3600).split(" ");
  return `${day}T${clock.slice(0, 2)}:00`;
}
