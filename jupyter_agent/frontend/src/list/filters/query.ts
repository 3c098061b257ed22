/** The search of a list: words that a task contains, and fields, as in `train state:failed tag:gpu last:24h`. */

import { formatParams } from "../../model/format.js";
import { END_STATES } from "../../model/reducer.js";
import type { Snapshot, State } from "../../net/types.js";
import { isWaitingForAnswer, notebookOf } from "../labels.js";

/** In the order of the chips. */
export const STATES: readonly State[] = [
  "running",
  "queued",
  "completed",
  "failed",
  "cancelled",
  "interrupted",
];

/** A part of a search. `field`: empty for a word. */
export interface Token {
  readonly field: string;
  readonly value: string;
}

type Test = (task: Snapshot, value: string, now: number) => boolean;

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** What the fields mean. A text with another name before a colon is a word. */
const FIELDS: Record<string, Test> = {
  state: ({ state }, value) => value.split(",").includes(state),
  is: (task, value) => {
    const ended = END_STATES.has(task.state);
    return value === "waiting"
      ? isWaitingForAnswer(task)
      : value === "ended"
        ? ended
        : value === "active" && !ended;
  },
  tag: ({ tags }, value) => tags.some((tag) => tag.toLowerCase() === value),
  notebook: (task, value) => (task.notebook ?? "").toLowerCase().includes(value),
  name: ({ name }, value) => name.toLowerCase().includes(value),
  kind: ({ kind }, value) => kind === value,
  last: (task, value, now) => endOf(task, now) >= now - (secondsOf(value) ?? Infinity),
  after: (task, value, now) => endOf(task, now) >= momentOf(value),
  before: (task, value) => (task.queued ?? task.created ?? 0) <= momentOf(value),
};

/** Return the parts of a search. A value with spaces stands in quotation marks; `\"` in them is one of its own. */
export function parseQuery(query: string): Token[] {
  const parts = query.matchAll(
    /(?<name>\w+):(?:"(?<long>(?:\\"|[^"])*)"?|(?<short>\S*))|"(?<words>(?:\\"|[^"])*)"?|(?<word>\S+)/g,
  );
  return [...parts].flatMap(({ 0: whole, groups = {} }) => {
    const { name = "", long, short, words, word } = groups as Record<string, string | undefined>;
    const field = name.toLowerCase();
    if (field && !Object.hasOwn(FIELDS, field)) return [{ field: "", value: whole }];
    const value = (long ?? words)?.replaceAll('\\"', '"') ?? short ?? word;
    return value ? [{ field, value }] : [];
  });
}

export function formatQuery(tokens: readonly Token[]): string {
  return tokens.map(formatToken).join(" ");
}

function formatToken({ field, value }: Token): string {
  const isPlain = /^[^"\s]\S*$/.test(value) && (field !== "" || !isField(value));
  const written = isPlain ? value : `"${value.replaceAll('"', '\\"')}"`;
  return field ? `${field}:${written}` : written;
}

/** Return whether a word would be read as a field. */
function isField(word: string): boolean {
  return Object.hasOwn(FIELDS, (/^(\w+):/.exec(word)?.[1] ?? "").toLowerCase());
}

/** Return the values that a search has for a field. */
export function valuesOf(query: string, field: string): string[] {
  return parseQuery(query).flatMap((token) => (token.field === field ? [token.value] : []));
}

/** Return the search with this one value for a field; with an empty value without the field. */
export function withField(query: string, field: string, value: string): string {
  const others = parseQuery(query).filter((token) => token.field !== field);
  return formatQuery(value ? [...others, { field, value }] : others);
}

export function withoutToken(query: string, { field, value }: Token): string {
  return formatQuery(parseQuery(query).filter((token) => token.field !== field || token.value !== value));
}

/** Return the tasks that a search finds: those that contain every word in name, parameters, tags, key, notebook or id,
 * and that every field is true of. */
export function searchTasks(tasks: readonly Snapshot[], query: string, now: number): readonly Snapshot[] {
  const tokens = parseQuery(query.toLowerCase());
  if (tokens.length === 0) return tasks;
  return tasks.filter((task) => {
    const text = textOf(task);
    return tokens.every(({ field, value }) =>
      field ? FIELDS[field]!(task, value, now) : text.includes(value),
    );
  });
}

function textOf(task: Snapshot): string {
  const parts = [task.name, formatParams(task.params), ...task.tags, task.key, task.notebook, task.id];
  return parts.join("\n").toLowerCase();
}

function endOf(task: Snapshot, now: number): number {
  return END_STATES.has(task.state) ? (task.ended ?? task.updated ?? 0) : now;
}

/** Return the seconds of "90s", "15m", "2h", "7d" or "1w"; null for anything else. */
export function secondsOf(text: string): number | null {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(text) ?? [];
  return number === undefined ? null : Number(number) * UNITS[unit!]!;
}

/** Return the time (Unix seconds) of "2026-11-30" or "2026-11-30t09:00", in local time; NaN for anything else. */
function momentOf(text: string): number {
  const upper = text.toUpperCase();
  return Date.parse(/^\d{4}-\d\d-\d\d$/.test(upper) ? `${upper}T00:00` : upper) / 1000;
}

/** A value of a field and the number of tasks that have it. */
export type Count = readonly [value: string, tasks: number];

/** Return the number of tasks in each state that there is, in the order of the chips. */
export function countStates(tasks: readonly Snapshot[]): Count[] {
  const counts = countValues(tasks, ({ state }) => [state]);
  return STATES.flatMap((state) => counts.filter(([value]) => value === state));
}

/** Return the values that `of` gives for the tasks, the most frequent first. */
export function countValues(tasks: readonly Snapshot[], of: (task: Snapshot) => readonly string[]): Count[] {
  const counts = new Map<string, number>();
  for (const task of tasks) for (const value of of(task)) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([one, n], [other, m]) => m - n || one.localeCompare(other));
}

export const tagsOf = ({ tags }: Snapshot): readonly string[] => tags;

export function notebooksOf(task: Snapshot): string[] {
  const name = notebookOf(task);
  return name ? [name] : [];
}
