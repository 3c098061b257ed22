// @ts-check
/**
 * One task as the page knows it: its snapshot, its last lines, its speed.
 *
 * @import {Connection} from "./connection.js"
 * @import {Snapshot, Status, TaskEvent} from "./protocol.js"
 */

import { ENDED, applyEvent, emptyTask } from "./fold.js";
import { offsetOf } from "./protocol.js";

export const TAIL = 200;
const SPEED_WINDOW = 30;
const SPEED_KNOWN = 1;
const SPEED_PATIENCE = 5;
const QUIET = 20;

/** A line of the log, or a picture in it. `logs` counts the log events that end in it.
 * @typedef {{kind: string, text: string, image?: string, logs: number, message?: string}} Line */

/** The last lines of a task, at most `TAIL`. `version` moves with every change. */
export class Tail {
  /** @type {Line[]} */
  lines = [];
  version = 0;
  /** How many lines came before the first of `lines`. */
  start = 0;
  /** The last line, as it was printed, while it has no end. @type {{kind: string, raw: string} | null} */
  #open = null;

  /** @param {TaskEvent} event */
  add(event) {
    const { type, data } = event;
    if (event.flag === "bad_data") return;
    if (type === "log") this.#log(data);
    else if (type === "message") this.#message(data);
    else if (type === "display") this.#display(data);
    else if (type === "lost") this.#push("note", printable(`events ${data.first} to ${data.last} are lost: ${data.reason}`));
    else return;
    this.version += 1;
    this.#drop(this.lines.length - TAIL);
  }

  clear() {
    this.#drop(this.lines.length);
    this.version += 1;
    this.#open = null;
  }

  /** How many log events the lines stand for. */
  get logs() {
    return this.lines.reduce((sum, line) => sum + line.logs, 0);
  }

  /** @param {any} data */
  #log({ stream, level, text }) {
    const kind = stream === "logging" ? levelKind(level) : stream;
    const open = this.#open;
    const goesOn = open && open.kind === kind ? open.raw : null;
    const parts = ((goesOn ?? "") + text).split("\n");
    const rest = stream === "logging" || parts.at(-1) === "" ? null : parts.at(-1);
    if (parts.length > 1 && parts.at(-1) === "") parts.pop();
    if (goesOn !== null) this.lines[this.lines.length - 1].text = printable(parts.shift() ?? "");
    for (const part of parts) this.#push(kind, printable(part));
    this.lines[this.lines.length - 1].logs += 1;
    this.#open = rest ? { kind, raw: rest } : null;
  }

  /** @param {any} data */
  #message({ role, text, message_id, delta }) {
    const known = this.lines.find((line) => line.message === message_id);
    if (known) known.text = delta ? known.text + printable(text) : printable(`${role}: ${text}`);
    else this.#push("message", printable(`${role}: ${text}`), { message: message_id });
  }

  /** @param {any} data */
  #display({ data }) {
    const type = ["image/png", "image/jpeg"].find((name) => typeof data[name] === "string");
    const text = [data["text/plain"] ?? ""].flat().join("");
    const image = type && `data:${type};base64,${data[type].replace(/\s/g, "")}`;
    this.#push("display", printable(text), image ? { image } : {});
  }

  /** @param {string} kind @param {string} text @param {Partial<Line>} more */
  #push(kind, text, more = {}) {
    this.#open = null;
    this.lines.push({ kind, text, logs: 0, ...more });
  }

  /** @param {number} count */
  #drop(count) {
    if (count <= 0) return;
    this.lines.splice(0, count);
    this.start += count;
  }
}

/** @param {string | undefined} level */
function levelKind(level) {
  return /^(error|critical|fatal)$/i.test(level ?? "") ? "error" : /^warn/i.test(level ?? "") ? "warning" : "logging";
}

// As in `jupyter_agent.core.text`: the escape sequences of ECMA-48, and the start of one without an end.
const ESCAPES =
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-~]/g;
// What is left of control characters, and the marks that turn text around and hide what it says.
const CONTROLS =
  /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]/g;

/** Text as a terminal would leave it: no escape sequences, and only what follows the last return.
 * @param {string} text */
export function printable(text) {
  const plain = text.replace(ESCAPES, "").replace(CONTROLS, "");
  return plain.replace(/\r+(?=\n|$)/g, "").replace(/[^\n]*\r/g, "");
}

/** How fast a task goes, over the last `SPEED_WINDOW` seconds. */
export class Speed {
  /** @type {{time: number, done: number}[]} */
  #samples = [];

  /** @param {number} time Unix seconds @param {number | null} done */
  add(time, done) {
    const last = this.#samples.at(-1);
    if (done === null || (last && done < last.done)) this.#samples = [];
    if (done !== null) this.#samples.push({ time, done });
    while (this.#samples.length > 2 && this.#samples[1].time < time - SPEED_WINDOW) this.#samples.shift();
  }

  clear() {
    this.#samples = [];
  }

  /** Units a second; null when not known yet. @param {Snapshot} task @param {number} now */
  rate(task, now) {
    const done = task.progress?.done ?? null;
    if (done === null || task.started === null) return null;
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!ENDED.has(task.state) && last && last.time - first.time >= SPEED_KNOWN) {
      const until = Math.max(last.time, now - SPEED_PATIENCE);
      return (last.done - first.done) / (until - first.time);
    }
    const seconds = (task.ended ?? task.updated ?? now) - task.started;
    return seconds >= SPEED_KNOWN && done > 0 ? done / seconds : null;
  }
}

/** One task as the server tells it, shared by every view of it on the page. */
export class Feed {
  /** What the server knows of the task; null until it said something. @type {Snapshot | null} */
  task = null;
  tail = new Tail();
  speed = new Speed();
  /** Why the server will not tell; null while it does. @type {string | null} */
  refusal = null;
  /** Whether the server was asked and does not know the task (yet). */
  unknown = false;
  /** @type {Set<() => void>} */
  #watchers = new Set();
  #folded = -1;
  #heard = 0;
  #id = 0;

  /** @param {Connection} connection @param {string} taskId */
  constructor(connection, taskId) {
    this.connection = connection;
    this.taskId = taskId;
  }

  /** The feed of a task over a connection, made when first asked for.
   * @param {Connection} connection @param {string} taskId */
  static of(connection, taskId) {
    const known = connection.feeds.get(taskId);
    const feed = known ?? new Feed(connection, taskId);
    connection.feeds.set(taskId, feed);
    return feed;
  }

  /** Call *changed* after every change. @param {() => void} changed @returns {() => void} stops it */
  watch(changed) {
    this.#watchers.add(changed);
    if (this.#watchers.size === 1) this.#id = this.connection.follow(this.taskId, TAIL, this);
    return () => this.#unwatch(changed);
  }

  /** @returns {Status} */
  get status() {
    return this.connection.status(this.#id);
  }

  /** A second has passed. Of a running task that says nothing, ask whether its process still answers:
   * that is the server's observation, and no event carries it. */
  tick() {
    const now = this.connection.now();
    if (this.task?.state !== "running" || this.status !== "live" || now - this.#heard < QUIET) return;
    this.#heard = now;
    const id = this.connection.follow(this.taskId, 0, {
      restart: (tasks) => {
        this.connection.leave(id);
        const stalled = tasks.find((task) => task.id === this.taskId)?.stalled_since ?? null;
        if (this.task) this.task.stalled_since = stalled;
        this.changed();
      },
      apply() {},
      changed() {},
      refused: () => this.connection.leave(id),
    });
  }

  /** @param {() => void} changed */
  #unwatch(changed) {
    if (!this.#watchers.delete(changed) || this.#watchers.size > 0) return;
    this.connection.leave(this.#id);
    this.connection.feeds.delete(this.taskId);
  }

  /** @param {Snapshot[]} tasks */
  restart(tasks) {
    this.#heard = this.connection.now();
    const task = tasks.find((one) => one.id === this.taskId);
    this.unknown = !task;
    this.task = task ?? null;
    this.#folded = offsetOf(task?.cursor);
    this.tail.clear();
    this.speed.clear();
    if (task?.progress) this.speed.add(task.updated ?? 0, task.progress.done);
    this.changed();
  }

  /** @param {TaskEvent[]} events */
  apply(events) {
    this.#heard = this.connection.now();
    for (const event of events) {
      this.tail.add(event);
      // The tail that comes before the live events is in the snapshot already.
      if (event.offset > this.#folded) this.#fold(event);
    }
    this.changed();
  }

  /** @param {TaskEvent} event */
  #fold(event) {
    this.#folded = event.offset;
    this.task ??= emptyTask(this.taskId);
    const attempt = this.task.attempt;
    applyEvent(this.task, event);
    if (this.task.attempt !== attempt) this.speed.clear();
    if (event.type === "progress") this.speed.add(event.time, this.task.progress?.done ?? null);
  }

  /** @param {string} message */
  refused(message) {
    this.refusal = message;
    this.changed();
  }

  changed() {
    for (const watcher of this.#watchers) watcher();
  }
}
