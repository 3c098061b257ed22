// @ts-check
/**
 * The fold of events into a snapshot, the same as `jupyter_agent.core.task`.
 *
 * @import {Snapshot, TaskEvent} from "./protocol.js"
 */

export const ENDED = new Set(["completed", "failed", "cancelled", "interrupted"]);
/** @type {Record<string, string[]>} */
const TRANSITIONS = {
  queued: ["running", "failed", "cancelled", "interrupted"],
  running: ["completed", "failed", "cancelled", "interrupted"],
  completed: [],
  failed: [],
  cancelled: [],
  interrupted: ["running", "completed", "failed", "cancelled"],
};

/** Names of metrics in one snapshot, the first to come. */
const MOST_METRICS = 500;

/** A task of which nothing is known yet. @param {string} id @returns {Snapshot} */
export function emptyTask(id) {
  return {
    id, name: "", key: null, tags: [], state: "queued", attempt: 1, owner: null, kernel: null,
    notebook: null, cell: null, run: null, view: null, producer: null, created: null, queued: null, started: null, ended: null,
    updated: null, progress: null, metrics: {}, error: null, result: null, prompt: null,
    cancel_requested: false, stalled_since: null, logs: 0, events: 0, cursor: null,
  };
}

/** Fold one event in. Events of another attempt than the present one count, but change nothing else;
 * only a `state` begins a new attempt.
 * @param {Snapshot} task changed in place @param {TaskEvent} event */
export function applyEvent(task, event) {
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

/** @param {Snapshot} task @param {TaskEvent} event @param {any} data @param {boolean} first */
function enter(task, event, data, first) {
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
  task.error = data.error ?? null;
  task.result = data.result ?? null;
}

const ABOUT = { name: "", key: null, tags: [], owner: null, kernel: null, notebook: null, cell: null, run: null, view: null };

/** What an `about` may say, and nothing else that a producer put there.
 * @param {Record<string, any>} about @returns {Partial<Snapshot>} */
function aboutOf(about) {
  return Object.fromEntries(Object.entries(ABOUT).map(([name, none]) => [name, about[name] ?? none]));
}

/** @param {Snapshot} task @param {TaskEvent} event */
function beginAttempt(task, event) {
  [task.attempt, task.producer] = [event.attempt, event.producer];
  task.started = task.ended = task.progress = task.prompt = null;
  task.metrics = {};
  task.cancel_requested = false;
}

/** @param {Snapshot} task @param {string} type @param {any} data */
function note(task, type, data) {
  switch (type) {
    case "progress":
      task.progress = { done: data.done ?? null, total: data.total ?? null, message: data.message ?? null };
      break;
    case "metric":
      // not by assignment: a metric may be called `__proto__`
      if (!Object.hasOwn(task.metrics, data.name) && Object.keys(task.metrics).length >= MOST_METRICS) break;
      task.metrics = { ...task.metrics, [data.name]: { value: data.value ?? null, step: data.step ?? null } };
      break;
    case "prompt":
      task.prompt = { prompt_id: data.prompt_id, text: data.text, choices: data.choices ?? null };
      break;
    case "input":
      if (task.prompt && data.prompt_id === task.prompt.prompt_id) task.prompt = null;
      break;
    case "command":
      if (data.command === "cancel") task.cancel_requested = !ENDED.has(task.state);
      break;
  }
}
