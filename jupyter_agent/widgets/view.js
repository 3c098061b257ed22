// @ts-check
/**
 * Draws a task. Whatever a task says reaches the page as text, never as HTML.
 *
 * @import {Line, Tail} from "./feed.js"
 * @import {Prompt, Snapshot, Status} from "./protocol.js"
 */

import { printable } from "./feed.js";
import { ENDED } from "./fold.js";

const RETRIABLE = new Set(["failed", "cancelled", "interrupted"]);
const INTERRUPTED =
  "The process that ran this task went away before the task ended. What it said until then is kept.";

/** Asks for something; resolves with a sentence when it was refused, else null.
 * @typedef {(command: string, args: object) => Promise<string | null>} Commander
 * @typedef {{task: Snapshot, tail: Tail, rate: number | null, now: number, status: Status,
 *   hint: string | null}} Picture */

/**
 * @param {string} tag @param {string} name the class, without its prefix
 * @param {Record<string, string>} attributes @param {(Node | string)[]} children
 * @returns {any}
 */
function make(tag, name, attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (name) element.className = `ja-${name}`;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Set an element's text, and hide it when there is none. @param {HTMLElement} element @param {string} text */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
  if (element.hidden !== (text === "")) element.hidden = text === "";
}

/** Set or remove an attribute. @param {Element} element @param {string} name @param {string | null} value */
function mark(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Draws one task into one element. `draw` is the only way in, `commander` the only way out. */
export class TaskView {
  #fill = make("div", "fill");
  #badge = make("span", "badge");
  #name = make("span", "name");
  #attempt = make("span", "attempt");
  #link = make("span", "link", { role: "status" });
  #cancel = make("button", "button", { type: "button" }, "Cancel");
  #retry = make("button", "button", { type: "button" }, "Retry");
  #bar = make("div", "bar", { role: "progressbar", "aria-valuemin": "0" }, this.#fill);
  #count = make("span", "count");
  #percent = make("span", "percent");
  #rate = make("span", "rate");
  #left = make("span", "left");
  #elapsed = make("span", "elapsed");
  #stats = make("div", "stats", {}, this.#count, this.#percent, this.#rate, this.#left, this.#elapsed);
  #message = make("div", "message");
  #notice = make("div", "notice", { role: "status" });
  #chips = make("div", "chips", { role: "list", "aria-label": "Metrics" });
  #result = make("div", "result");
  #errorLine = make("summary", "");
  #traceback = make("div", "traceback", { tabindex: "0" });
  #error = make("details", "error", {}, this.#errorLine, this.#traceback);
  #question = make("label", "question");
  #answer = make("input", "answer", { type: "text", autocomplete: "off" });
  #send = make("button", "button", { type: "submit" }, "Send");
  #prompt = make("form", "prompt", {}, this.#question, make("div", "reply", {}, this.#answer, this.#send));
  #earlier = make("div", "earlier");
  #lines = make("div", "lines");
  #log = make("div", "log", { role: "log", "aria-live": "polite", tabindex: "0" }, this.#earlier, this.#lines);
  #tailVersion = -1;
  #firstLine = 0;
  #following = true;
  #layout = "";
  #promptId = "";
  #refused = "";
  /** @type {Commander} */ #commander;
  /** @type {Snapshot | null} */ #task = null;

  /** @param {HTMLElement} root @param {Commander} commander */
  constructor(root, commander) {
    this.root = root;
    this.#commander = commander;
    root.classList.add("jupyter-agent-task");
    const actions = make("span", "actions", {}, this.#cancel, this.#retry);
    const title = make("span", "title", {}, this.#badge, this.#name, this.#attempt);
    root.append(
      make("div", "head", {}, title, this.#link, actions),
      this.#bar, this.#stats, this.#message, this.#notice, this.#chips, this.#prompt, this.#error,
      this.#result, this.#log,
    );
    this.#cancel.onclick = () => this.#ask(this.#cancel, "cancel", {});
    this.#retry.onclick = () => this.#ask(this.#retry, "retry", {});
    this.#log.onscroll = () => this.#scrolled();
    this.#prompt.onsubmit = (/** @type {Event} */ event) => this.#submit(event);
  }

  /** @param {Picture} picture */
  draw(picture) {
    const { task, status } = picture;
    this.#task = task;
    mark(this.root, "data-task-id", task.id);
    mark(this.root, "data-state", task.state);
    mark(this.root, "data-connection", status);
    mark(this.root, "data-logs", String(task.logs));
    this.#drawHead(picture);
    this.#drawProgress(picture);
    this.#drawNotice(picture);
    this.#drawMetrics(task.metrics);
    this.#drawPrompt(task.prompt);
    this.#drawEnd(task);
    this.#drawLog(task, picture.tail);
    this.#followLog();
  }

  /** @param {Picture} picture */
  #drawHead({ task, status }) {
    const cancelling = task.cancel_requested && !ENDED.has(task.state);
    say(this.#badge, cancelling ? "cancelling…" : task.state);
    say(this.#name, nameOf(task) || "task");
    mark(this.root, "aria-label", `Task ${nameOf(task) || task.id}`);
    mark(this.root, "role", "group");
    say(this.#attempt, task.attempt > 1 ? `attempt ${task.attempt}` : "");
    say(this.#link, { live: "", connecting: "connecting…", offline: "offline" }[status]);
    this.#cancel.hidden = ENDED.has(task.state);
    this.#cancel.disabled = cancelling || this.#cancel.dataset.busy === "1";
    this.#retry.hidden = !RETRIABLE.has(task.state);
    this.#retry.disabled = this.#retry.dataset.busy === "1";
  }

  /** @param {Picture} picture */
  #drawProgress({ task, rate, now }) {
    const { done = null, total = null, message = null } = task.progress ?? {};
    const ended = ENDED.has(task.state);
    const share = done !== null && total ? Math.min(1, Math.max(0, done / total)) : null;
    this.#bar.hidden = share === null && ended;
    mark(this.#bar, "aria-label", `Progress of ${nameOf(task) || "the task"}`);
    mark(this.#bar, "aria-valuenow", share === null ? null : String(done));
    mark(this.#bar, "aria-valuemax", share === null ? null : String(total));
    mark(this.#bar, "aria-valuetext", share === null ? null : `${Math.floor(share * 100)} %`);
    this.#bar.classList.toggle("ja-unknown", share === null && task.state === "running");
    this.#fill.style.transform = `translateX(${((share ?? 0) - 1) * 100}%)`;
    say(this.#count, done === null ? "" : total ? `${number(done)} / ${number(total)}` : `${number(done)} done`);
    say(this.#percent, share === null ? "" : `${Math.floor(share * 100)} %`);
    say(this.#rate, rate ? speed(rate) : "");
    const rest = !ended && share !== null && share < 1 && rate ? (Number(total) - Number(done)) / rate : null;
    say(this.#left, rest === null ? "" : `${duration(rest)} left`);
    say(this.#elapsed, elapsed(task, now));
    say(this.#message, printable(message ?? ""));
  }

  /** @param {Picture} picture */
  #drawNotice({ task, now, hint }) {
    const stalled = task.stalled_since;
    let text = this.#refused || hint || "";
    if (!text && task.state === "interrupted") text = INTERRUPTED;
    if (!text && stalled !== null && !ENDED.has(task.state)) {
      text = `Silent for ${duration(now - stalled)}: its process is there but does not answer. It may be suspended, or too busy.`;
    }
    say(this.#notice, text);
  }

  /** @param {Snapshot["metrics"]} metrics */
  #drawMetrics(metrics) {
    const names = Object.keys(metrics);
    this.#chips.hidden = names.length === 0;
    for (const chip of [...this.#chips.children]) if (!(chip.dataset.name in metrics)) chip.remove();
    for (const name of names) {
      let chip = [...this.#chips.children].find((one) => one.dataset.name === name);
      if (!chip) {
        const label = make("span", "label", {}, printable(name));
        chip = make("div", "chip", { role: "listitem", "data-name": name }, label, make("span", "value"));
        this.#chips.append(chip);
      }
      const { value, step } = metrics[name];
      say(chip.lastChild, value === null ? "–" : significant(value));
      mark(chip, "title", step === null ? null : `step ${step}`);
    }
  }

  /** @param {Prompt | null} prompt */
  #drawPrompt(prompt) {
    this.#prompt.hidden = prompt === null;
    if (prompt === null) this.#promptId = "";
    if (prompt === null || prompt.prompt_id === this.#promptId) return;
    this.#promptId = prompt.prompt_id;
    const answer = prompt.choices ? make("select", "answer") : make("input", "answer", { type: "text", autocomplete: "off" });
    for (const choice of prompt.choices ?? []) answer.append(make("option", "", { value: choice }, printable(choice)));
    answer.id = `ja-${prompt.prompt_id}-${Math.random().toString(36).slice(2)}`;
    this.#question.htmlFor = answer.id;
    this.#answer.replaceWith(answer);
    this.#answer = answer;
    say(this.#question, printable(prompt.text));
  }

  /** @param {Snapshot} task */
  #drawEnd({ error, result }) {
    this.#error.hidden = error === null;
    say(this.#errorLine, error ? printable(error.message ? `${error.type}: ${error.message}` : error.type) : "");
    say(this.#traceback, printable(error?.traceback ?? ""));
    say(this.#result, result && result.repr !== "None" ? printable(result.repr) : "");
  }

  /** @param {Snapshot} task @param {Tail} tail */
  #drawLog(task, tail) {
    this.#log.hidden = tail.lines.length === 0;
    mark(this.#log, "aria-label", `Log of ${nameOf(task) || "the task"}`);
    const earlier = task.logs - tail.logs;
    say(this.#earlier, earlier > 0 ? `${number(earlier)} earlier` : "");
    if (tail.version === this.#tailVersion) return;
    this.#tailVersion = tail.version;
    this.#syncLines(tail);
  }

  /** Keep the newest line in sight, unless the reader scrolled away from it. */
  #followLog() {
    if (this.#following) this.#log.scrollTop = this.#log.scrollHeight;
    this.#layout = layoutOf(this.#log);
  }

  /** A scroll without a change of layout is the reader's. */
  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#log;
    if (layoutOf(this.#log) === this.#layout) this.#following = scrollHeight - scrollTop - clientHeight < 8;
  }

  /** Lines keep their elements: only the new ones are announced. @param {Tail} tail */
  #syncLines(tail) {
    const children = this.#lines.children;
    const gone = Math.min(children.length, tail.start - this.#firstLine);
    for (let index = 0; index < gone; index += 1) children[0].remove();
    this.#firstLine = tail.start;
    tail.lines.forEach((line, index) => {
      if (index >= children.length) this.#lines.append(make("div", "line"));
      drawLine(children[index], line);
    });
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    this.#ask(this.#send, "input", { text: this.#answer.value, prompt_id: this.#promptId });
  }

  /** @param {HTMLButtonElement} button @param {string} command @param {object} args */
  async #ask(button, command, args) {
    if (!this.#task || button.dataset.busy === "1") return;
    button.dataset.busy = "1";
    button.disabled = true;
    this.#refused = (await this.#commander(command, args)) ?? "";
    delete button.dataset.busy;
    button.disabled = false;
    say(this.#notice, this.#refused);
  }
}

/** A name is one line. @param {Snapshot} task */
function nameOf(task) {
  return printable(task.name.replace(/\s+/g, " "));
}

/** @param {HTMLElement} box */
function layoutOf({ scrollHeight, clientHeight, clientWidth }) {
  return [scrollHeight, clientHeight, clientWidth].join();
}

/** @param {any} element @param {Line} line */
function drawLine(element, line) {
  mark(element, "data-kind", line.kind);
  if (element.firstChild?.data !== line.text) element.replaceChildren(line.text);
  if (line.image && element.dataset.image !== "1") {
    element.dataset.image = "1";
    element.replaceChildren(make("img", "", { src: line.image, alt: line.text }));
  }
}

/** @param {number} value */
function number(value) {
  return value.toLocaleString("en-US", { maximumFractionDigits: 2 });
}

/** @param {number} value */
function significant(value) {
  if (Number.isInteger(value)) return number(value);
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(2).replace(/e\+?/, " e").replace(" ", "");
  const digits = Math.max(4, Math.floor(Math.log10(size)) + 1);
  return value.toLocaleString("en-US", { minimumSignificantDigits: digits, maximumSignificantDigits: digits });
}

/** @param {number} perSecond */
function speed(perSecond) {
  if (perSecond < 0.1) return `${duration(1 / perSecond)} each`;
  const digits = perSecond < 10 ? 1 : 0;
  return `${perSecond.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })} it/s`;
}

/** @param {number} seconds */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const pad = (/** @type {number} */ value) => String(value).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}:${pad(whole % 60)} min`;
  if (whole < 86400) return `${Math.floor(whole / 3600)}:${pad(Math.floor((whole % 3600) / 60))} h`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

/** @param {Snapshot} task @param {number} now */
function elapsed(task, now) {
  if (task.state === "queued") return task.queued === null ? "" : `waiting ${duration(now - task.queued)}`;
  if (task.started === null) return "";
  const spent = (task.ended ?? now) - task.started;
  return ENDED.has(task.state) && spent < 1 ? "under 1 s" : duration(spent);
}
