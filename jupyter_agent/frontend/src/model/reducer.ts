/** The fold of events into a snapshot, the same as `jupyter_agent.core.task`: one table of cases holds both to it. */

import type { Said, Snapshot, State, TaskEvent } from "../net/types.js";

export const ENDED: ReadonlySet<State> = new Set<State>(["completed", "failed", "cancelled", "interrupted"]);

const TRANSITIONS: Record<State, readonly State[]> = {
  queued: ["running", "failed", "cancelled", "interrupted"],
  running: ["completed", "failed", "cancelled", "interrupted"],
  completed: [],
  failed: [],
  cancelled: [],
  interrupted: ["running", "completed", "failed", "cancelled"],
};

/** Names of metrics in one snapshot, the first to come. */
const MOST_METRICS = 500;

/** Messages in one snapshot, the newest, and the bytes (UTF-8) of text that they have in all. */
const MOST_MESSAGES = 20;
const MOST_SAID = 8192;

/** A task of which nothing is known yet. */
export function emptyTask(id: string): Snapshot {
  return {
    id,
    name: "",
    key: null,
    tags: [],
    state: "queued",
    attempt: 1,
    owner: null,
    kernel: null,
    notebook: null,
    cell: null,
    run: null,
    view: null,
    producer: null,
    created: null,
    queued: null,
    started: null,
    ended: null,
    updated: null,
    progress: null,
    metrics: {},
    reason: null,
    error: null,
    result: null,
    prompt: null,
    messages: [],
    cancel_requested: false,
    stalled_since: null,
    logs: 0,
    events: 0,
    cursor: null,
  };
}

/** Fold one event into `task`, in place. Events of another attempt than the present one count, but
 * change nothing else; only a `state` begins a new attempt. */
export function applyEvent(task: Snapshot, event: TaskEvent): void {
  const data = event.flag === "bad_data" ? null : event.data;
  task.events += 1;
  task.updated = Math.max(task.updated ?? event.time, event.time);
  task.stalled_since = null;
  if (event.type !== "lost") task.producer ??= event.producer;
  if (task.events === 1) {
    [task.created, task.attempt] = [event.time, event.attempt];
    if (event.type === "state" && data) return enter(task, event, data, true);
    task.state = "running";
  }
  if (!data) return;
  if (event.type === "log") task.logs += 1;
  else if (event.type === "state" && event.attempt >= task.attempt) enter(task, event, data, false);
  else if (event.attempt === task.attempt) note(task, event.type, data);
}

function enter(task: Snapshot, event: TaskEvent, data: any, first: boolean): void {
  const newer = event.attempt > task.attempt;
  if (!newer && !first && !TRANSITIONS[task.state].includes(data.state)) return;
  if (newer) beginAttempt(task, event);
  if (data.state === "queued") {
    task.queued = event.time;
    task.producer = data.producer ?? event.producer;
    if (data.about) Object.assign(task, aboutOf(data.about));
  } else if (data.state === "running") {
    task.started ??= event.time;
    task.ended = null;
  } else {
    task.ended = event.time;
    task.prompt = null;
  }
  task.state = data.state;
  task.reason = data.reason ?? null;
  task.error = data.error ?? null;
  task.result = data.result ?? null;
}

const ABOUT = {
  name: "",
  key: null,
  tags: [],
  owner: null,
  kernel: null,
  notebook: null,
  cell: null,
  run: null,
  view: null,
};

/** What an `about` may say, and nothing else that a producer put there. */
function aboutOf(about: Record<string, unknown>): Partial<Snapshot> {
  return Object.fromEntries(Object.entries(ABOUT).map(([name, none]) => [name, about[name] ?? none]));
}

function beginAttempt(task: Snapshot, event: TaskEvent): void {
  [task.attempt, task.producer] = [event.attempt, event.producer];
  task.started = task.ended = task.progress = task.prompt = null;
  task.metrics = {};
  task.messages = [];
  task.cancel_requested = false;
}

function note(task: Snapshot, type: string, data: any): void {
  switch (type) {
    case "progress":
      task.progress = { done: data.done ?? null, total: data.total ?? null, message: data.message ?? null };
      break;
    case "metric":
      return noteMetric(task, data);
    case "prompt":
      task.prompt = { prompt_id: data.prompt_id, text: data.text, choices: data.choices ?? null };
      break;
    case "message":
      return say(task, data);
    case "input":
      return answered(task, data.prompt_id);
    case "command":
      if (data.command === "cancel") task.cancel_requested = !ENDED.has(task.state);
      if (data.command === "input") answered(task, data.args?.prompt_id);
  }
}

/** The first answer takes the question, as soon as the holder has it. */
function answered(task: Snapshot, promptId: unknown): void {
  if (task.prompt && promptId === task.prompt.prompt_id) task.prompt = null;
}

function say(task: Snapshot, { message_id, role, text, delta = false }: any): void {
  // a snapshot of an older server has none
  const messages = task.messages ?? [];
  const known = messages.find((one) => one.message_id === message_id);
  const said = { message_id, role, text: delta && known ? known.text + text : text };
  task.messages = newest(known ? messages.map((one) => (one === known ? said : one)) : [...messages, said]);
}

/** The last of the messages that a snapshot has room for, in their order. */
function newest(messages: Said[]): Said[] {
  const kept: Said[] = [];
  let room = MOST_SAID;
  for (const said of messages.slice(-MOST_MESSAGES).reverse()) {
    const bytes = UTF8.encode(said.text);
    if (bytes.length > room) {
      if (room > CUT) kept.push({ ...said, text: `…${endOf(bytes, room - CUT)}` });
      break;
    }
    kept.push(said);
    room -= bytes.length;
  }
  return kept.reverse();
}

const UTF8 = new TextEncoder();
/** Bytes of "…". */
const CUT = 3;

/** The text of the last `count` bytes, without a part of a character. */
function endOf(bytes: Uint8Array, count: number): string {
  let start = bytes.length - count;
  while (start < bytes.length && (bytes[start]! & 0xc0) === 0x80) start += 1;
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(start));
}

function noteMetric(task: Snapshot, { name, value = null, step = null }: any): void {
  const known = Object.hasOwn(task.metrics, name);
  if (!known && Object.keys(task.metrics).length >= MOST_METRICS) return;
  if (known) Object.assign(task.metrics[name]!, { value, step });
  // not by assignment: a metric may be called `__proto__`
  else
    Object.defineProperty(task.metrics, name, {
      value: { value, step },
      enumerable: true,
      writable: true,
      configurable: true,
    });
}
