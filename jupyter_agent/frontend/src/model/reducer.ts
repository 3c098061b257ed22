/** The reducer: folds events into a snapshot, exactly as `jupyter_agent.core.task` does.
 *
 * Both are tested with the cases in `tests/fold/cases.json`. */

import type {
  EventData,
  EventOf,
  MessageSnapshot,
  MetricPoint,
  Snapshot,
  State,
  StoppingSnapshot,
  TaskEvent,
} from "../net/types.js";

import { countLines, emptyLog } from "./log/lines.js";

export const END_STATES: ReadonlySet<State> = new Set<State>([
  "completed",
  "failed",
  "cancelled",
  "interrupted",
]);

/** Return whether to offer a retry. What interrupted a task may have taken along what could run it. */
export function canRetry({ state, retriable }: Snapshot): boolean {
  return END_STATES.has(state) && state !== "completed" && (retriable ?? state !== "interrupted");
}

const TRANSITIONS: Record<State, readonly State[]> = {
  queued: ["running", "completed", "failed", "cancelled", "interrupted"],
  running: ["completed", "failed", "cancelled", "interrupted"],
  completed: [],
  failed: [],
  cancelled: [],
  interrupted: ["running", "completed", "failed", "cancelled"],
};

/** Maximum number of metrics in a snapshot (first come, first kept). */
const MAX_METRICS = 500;

/** Maximum number of messages in a snapshot (the newest are kept), and of their bytes of text (UTF-8) in total. */
const MAX_MESSAGES = 20;
const MAX_MESSAGE_BYTES = 8192;

/** Return the snapshot of a task without events. */
export function emptyTask(id: string): Snapshot {
  return {
    id,
    ...aboutFields({}),
    state: "queued",
    attempt: 1,
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
    grace: null,
    stopping: null,
    stalled_since: null,
    retriable: null,
    waiting: null,
    logs: 0,
    log: null,
    events: 0,
    cursor: null,
  };
}

/** Fold one event into `task`, in place. Events of another attempt than the current one are counted, but change
 * nothing else; only a `state` event begins a new attempt. */
export function applyEvent(task: Snapshot, event: TaskEvent): void {
  const isReadable = event.flag !== "bad_data";
  task.events += 1;
  task.updated = Math.max(task.updated ?? event.time, event.time);
  task.stalled_since = task.retriable = task.waiting = null;
  task.producer ??=
    event.type !== "lost" ? event.producer : isReadable ? (event.data.producer ?? null) : null;
  if (task.events === 1) {
    [task.created, task.attempt] = [event.time, event.attempt];
    if (event.type === "state" && isReadable) return applyState(task, event, true);
    task.state = "running";
  }
  if (!isReadable) return;
  if (event.type === "lost" && task.log) task.log.open = null;
  if (event.type === "log") applyLog(task, event);
  else if (event.type === "state" && event.attempt >= task.attempt) applyState(task, event, false);
  else if (event.attempt === task.attempt) applyData(task, event);
}

function applyLog(task: Snapshot, event: EventOf<"log">): void {
  if (task.logs === 0) task.log = emptyLog();
  task.logs += 1;
  // An older version has counted events only.
  if (task.log) countLines(task.log, event);
}

function applyState(task: Snapshot, event: EventOf<"state">, first: boolean): void {
  const { data } = event;
  const newer = event.attempt > task.attempt;
  if (data.state === "queued" && !newer && !first && task.queued === null)
    return applyLateQueued(task, event);
  if (!newer && !first && !TRANSITIONS[task.state].includes(data.state)) return;
  if (newer) beginAttempt(task, event);
  if (data.state === "queued") {
    task.queued = event.time;
    task.producer = data.producer ?? event.producer;
    if (data.about) Object.assign(task, aboutFields(data.about));
  } else if (data.state === "running") {
    task.started ??= event.time;
    task.ended = null;
    task.producer = data.producer ?? task.producer;
    if (data.pid != null) [task.host, task.pid] = [data.host ?? null, data.pid];
  } else {
    task.ended = event.time;
    task.prompt = task.stopping = null;
  }
  task.state = data.state;
  task.reason = data.reason ?? null;
  task.error = data.error ?? null;
  task.result = data.result ?? null;
}

/** Fold in the `queued` of an attempt that a process of a pool has claimed, and begun, before. */
function applyLateQueued(task: Snapshot, event: EventOf<"state">): void {
  const { host, pid } = task;
  task.queued = event.time;
  if (event.data.about) Object.assign(task, aboutFields(event.data.about), { host, pid });
  if (task.created !== null && event.attempt === 1) task.created = Math.min(task.created, event.time);
}

const ABOUT_DEFAULTS = {
  name: "",
  key: null,
  tags: [],
  owner: null,
  kernel: null,
  notebook: null,
  cell: null,
  run: null,
  view: null,
  params: {},
  kind: null,
  on: null,
  schedule: null,
  host: null,
  pid: null,
  grace: null,
};

/** Return the fields of an `about` that a snapshot has; ignore all others. */
function aboutFields(about: Record<string, unknown>): Pick<Snapshot, keyof typeof ABOUT_DEFAULTS> {
  return Object.fromEntries(
    Object.entries(ABOUT_DEFAULTS).map(([name, none]) => [name, about[name] ?? none]),
  ) as Pick<Snapshot, keyof typeof ABOUT_DEFAULTS>;
}

function beginAttempt(task: Snapshot, event: TaskEvent): void {
  [task.attempt, task.producer] = [event.attempt, event.producer];
  task.queued = task.started = task.ended = task.progress = task.prompt = null;
  task.host = task.pid = task.stopping = null;
  task.metrics = {};
  task.messages = [];
  task.cancel_requested = false;
}

function applyData(task: Snapshot, { type, data, time }: TaskEvent): void {
  switch (type) {
    case "progress":
      task.progress = { done: data.done ?? null, total: data.total ?? null, message: data.message ?? null };
      break;
    case "metric":
      return applyMetric(task, data);
    case "prompt":
      task.prompt = { prompt_id: data.prompt_id, text: data.text, choices: data.choices ?? null };
      break;
    case "message":
      return applyMessage(task, data);
    case "input":
      return closePrompt(task, data.prompt_id);
    case "command":
      if (data.command === "cancel") applyCancel(task, time, data.args?.now === true);
      if (data.command === "input") closePrompt(task, data.args?.prompt_id);
      break;
    case "stopping":
      return applyStopping(task, time, data);
    default: // the other types do not show in a snapshot
  }
}

/** The first cancel begins the task's grace; a second, or one for `now`, ends it. */
function applyCancel(task: Snapshot, time: number, now: boolean): void {
  task.cancel_requested = !END_STATES.has(task.state);
  if (!task.cancel_requested) return;
  const { stopping, grace } = task;
  const again = now || !!stopping;
  const until = again ? time : grace == null ? null : time + grace;
  task.stopping = { ...(stopping ?? stoppingOf({ why: "cancel" }, time, false)), until, again };
}

function applyStopping(task: Snapshot, time: number, data: EventData["stopping"]): void {
  if (data.resumed) task.stopping = task.cancel_requested ? task.stopping : null;
  else if (!END_STATES.has(task.state))
    task.stopping = { ...stoppingOf(data, time, true), ...keptOf(task.stopping) };
}

function stoppingOf(data: EventData["stopping"], time: number, confirmed: boolean): StoppingSnapshot {
  const { why, seconds, where = null, since: where_since = null, note = null } = data;
  const until = seconds == null ? null : time + seconds;
  return { since: time, until, why, where, where_since, note, again: false, confirmed };
}

function keptOf(known: StoppingSnapshot | null): Partial<StoppingSnapshot> {
  return known ? { since: known.since, again: known.again } : {};
}

/** Close the question: its first answer, accepted by the holder, takes precedence over later ones. */
function closePrompt(task: Snapshot, promptId: unknown): void {
  if (task.prompt && promptId === task.prompt.prompt_id) task.prompt = null;
}

function applyMessage(task: Snapshot, { message_id, role, text, delta = false }: EventData["message"]): void {
  // A snapshot of an older server has no messages.
  const messages = (task.messages as MessageSnapshot[] | undefined) ?? [];
  const known = messages.find((one) => one.message_id === message_id);
  const message = { message_id, role, text: delta && known ? known.text + text : text };
  task.messages = boundedMessages(
    known ? messages.map((one) => (one === known ? message : one)) : [...messages, message],
  );
}

/** Return the newest messages that fit into a snapshot, in their order; the text of the oldest may be cut. */
function boundedMessages(messages: MessageSnapshot[]): MessageSnapshot[] {
  const kept: MessageSnapshot[] = [];
  let room = MAX_MESSAGE_BYTES;
  for (const message of messages.slice(-MAX_MESSAGES).reverse()) {
    const bytes = UTF8.encode(message.text);
    if (bytes.length > room) {
      if (room > ELLIPSIS_BYTES)
        kept.push({ ...message, text: `…${lastBytesAsText(bytes, room - ELLIPSIS_BYTES)}` });
      break;
    }
    kept.push(message);
    room -= bytes.length;
  }
  return kept.reverse();
}

const UTF8 = new TextEncoder();
/** Length of "…" in UTF-8. */
const ELLIPSIS_BYTES = 3;

/** Return the text of the last `count` bytes; a character that begins before them is left out. */
function lastBytesAsText(bytes: Uint8Array, count: number): string {
  let start = bytes.length - count;
  while (start < bytes.length && (bytes[start]! & 0xc0) === 0x80) start += 1;
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(start));
}

function applyMetric(task: Snapshot, { name, value = null, step = null }: EventData["metric"]): void {
  const known = Object.hasOwn(task.metrics, name) ? task.metrics[name]! : null;
  if (!known && Object.keys(task.metrics).length >= MAX_METRICS) return;
  const point = metricAfter(known, value, step);
  if (known) {
    Object.assign(known, point);
    return;
  }
  // Not by assignment: a metric may be called `__proto__`.
  const descriptor = { enumerable: true, writable: true, configurable: true };
  Object.defineProperty(task.metrics, name, { value: point, ...descriptor });
}

/** Without its first values, the lowest and the highest of a metric stay unknown. */
function metricAfter(known: MetricPoint | null, value: number | null, step: number | null): MetricPoint {
  if (!known || (known.min == null && known.value === null)) return { value, step, min: value, max: value };
  const { min = null, max = null } = known;
  if (value === null || min === null || max === null) return { value, step, min, max };
  return { value, step, min: Math.min(min, value), max: Math.max(max, value) };
}
