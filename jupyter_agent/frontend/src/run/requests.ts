/** The form's requests. Where the server refuses, they resolve with its sentence. */

import { fetchJson, type Server } from "../net/server.js";
import type { Snapshot } from "../net/types.js";
import type { RunOutcome, Schedule } from "../screens/run_options.js";

/** A parameter that a target declares; `default` and `annotation` are source text, `value` the default as JSON. */
export interface Declared {
  readonly name: string;
  readonly required: boolean;
  readonly default: string | null;
  readonly value: unknown;
  readonly annotation: string | null;
  readonly choices: readonly unknown[] | null;
  readonly comment: string | null;
  readonly secret: boolean;
}

export interface TargetDescription {
  readonly target: { readonly kind: string };
  readonly name: string;
  readonly parameters: readonly Declared[];
  /** Whether parameters of other names may be given, too. */
  readonly more: boolean;
  readonly note: string | null;
}

/** When a trigger would run: in words, and the next three times, as Unix seconds and as the zone's clocks show them. */
export interface Preview {
  readonly text: string;
  readonly timezone: string;
  readonly next: readonly { readonly due: number; readonly text: string }[];
}

const UNREACHABLE = "The server does not answer; try again.";
/** A request whose answer was lost may have been carried out. */
const UNCERTAIN = "The server did not answer. Look whether it has this before you try again.";

export async function describeTarget(
  server: Server,
  target: string,
  cwd = "",
): Promise<TargetDescription | string> {
  const query = new URLSearchParams({ target, ...(cwd && { cwd }) });
  return fetchJson<TargetDescription>(server, `targets?${query}`, UNREACHABLE);
}

export async function previewTrigger(
  server: Server,
  trigger: Record<string, string>,
): Promise<Preview | string> {
  return fetchJson<Preview>(server, `triggers?${new URLSearchParams(trigger)}`, UNREACHABLE);
}

/** Run, schedule or change what the body says. `schedule`: the one to change; null: a new one. */
export async function send(
  server: Server,
  body: string,
  isSchedule: boolean,
  schedule: Schedule | null,
): Promise<RunOutcome | string> {
  const path = schedule ? `schedules/${encodeURIComponent(schedule.id)}` : isSchedule ? "schedules" : "tasks";
  const init = { method: schedule ? "PATCH" : "POST", body };
  const made = await fetchJson<Snapshot | Schedule>(server, path, UNCERTAIN, init);
  if (typeof made === "string") return made;
  return isSchedule ? { schedule: made as Schedule } : { task: made as Snapshot };
}
