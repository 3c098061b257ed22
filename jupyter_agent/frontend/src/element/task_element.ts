/** `<jupyter-agent-task>`: one task, wherever it is shown. */

import { html, nothing, type LitElement, type PropertyValues, type TemplateResult } from "lit";
import { DrawQueue } from "../dom/draw_queue.js";
import { LightElement, SCRIPT_ONLY, STATE } from "../dom/light_element.js";
import { sharedConnection } from "../net/connection_pool.js";
import { pageServer, type Server } from "../net/server.js";
import type { Snapshot, Status } from "../net/types.js";
import { TaskStore } from "../model/task_store.js";
import { END_STATES, emptyTask } from "../model/reducer.js";
import { plottedNames } from "../model/metrics/panels.js";
import { RateMeter } from "../model/rate.js";
import { toSingleLine } from "../model/format.js";
import { adoptStyles } from "../dom/styles.js";
import type { Host } from "./gallery_view.js";
import { goToCellOf } from "./go_to_cell.js";
import { head } from "./head.js";
import {
  attributesOf,
  expectsLog,
  progressBar,
  metricChips,
  outcome,
  statistics,
  notice,
  type TaskProps,
} from "./sections.js";
import { slimLine } from "./slim_line.js";
import { LogLoader } from "./log_loader.js";
import { requestCommand, type Kernel } from "./commands.js";
import { hintOf, troubleOf } from "./hint.js";
import { ResourceWatch } from "./resource_watch.js";
import buttons from "./buttons.css";
import css from "./task.css";

/** Milliseconds between two drawings of what cannot be seen: on a hidden page, or scrolled out of sight. */
const UNSEEN_INTERVAL = 1000;

/** Of all tasks on the page. */
const queue = new DrawQueue();

export class TaskElement extends LightElement {
  static override properties = {
    taskId: { attribute: "task-id" },
    slim: { type: Boolean, reflect: true },
    server: SCRIPT_ONLY,
    snapshot: SCRIPT_ONLY,
    host: SCRIPT_ONLY,
    kernel: SCRIPT_ONLY,
    refused: STATE,
    busy: STATE,
    isOpen: STATE,
  };
  declare taskId: string;
  declare slim: boolean;
  /** The task's server; null: none that this page can reach. */
  declare server: Server | null;
  /** The snapshot to draw until the server has sent one. */
  declare snapshot: Snapshot | null;
  declare host: Host | null;
  declare kernel: Kernel | null;
  declare refused: string;
  declare busy: string;
  /** Whether a slim view is shown whole. */
  declare isOpen: boolean;
  #store: TaskStore | null = null;
  #unsubscribe: (() => void) | null = null;
  #clock = 0;
  #drawPlanned = 0;
  #visible = false;
  #reportedLive: boolean | null = null;
  #reportedLog: boolean | null = null;
  #reportedEnd = "";
  /** Whether the task was seen before its end: the room that it had then stays. */
  #wasActive = false;
  readonly #ownRate = new RateMeter();
  readonly #logs = new LogLoader(() => this.#onChange());
  readonly #resources = new ResourceWatch();
  readonly #visibility = new IntersectionObserver((entries) => this.#onVisibility(entries));

  constructor() {
    super();
    this.taskId = this.refused = this.busy = "";
    this.slim = this.isOpen = false;
    this.server = pageServer();
    this.snapshot = this.host = this.kernel = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    for (const sheet of [buttons, css]) adoptStyles(this, sheet);
    this.classList.add("jupyter-agent-task");
    this.#clock = window.setInterval(() => this.#tick(), 1000);
    this.#visibility.observe(this);
    this.#attach();
    this.#reportConnection();
    if (this.hasUpdated) this.#scheduleDraw(); // what came while it was elsewhere
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#clock);
    this.#visibility.disconnect();
    queue.drop(this.#draw);
    this.#detach();
    this.#resources.update(this, this.#visible);
  }

  /** The newest known snapshot. */
  get task(): Snapshot {
    return this.#currentTask() ?? emptyTask(this.taskId);
  }

  get status(): Status {
    return this.#store?.status ?? "offline";
  }

  /** Whether all of the task's log can be read in this view; null while the server has not said. */
  get hasLog(): boolean | null {
    if (this.slim || this.#store?.isUnknown || this.#store?.log.hasLosses || this.#logs.error) return false;
    return this.#store?.task && this.#logs.isReady ? true : null;
  }

  /** Draw again: something outside has changed, such as the kernel's snapshot. */
  refresh(): void {
    this.#scheduleDraw();
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (this.isConnected && (changed.has("taskId") || changed.has("server"))) this.#attach();
  }

  #attach(): void {
    this.#detach();
    if (!this.taskId || !this.server) return;
    this.#store = TaskStore.of(sharedConnection(this.server), this.server, this.taskId);
    this.#unsubscribe = this.#store.subscribe(() => this.#onChange());
  }

  #detach(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = this.#store = null;
  }

  #onChange(): void {
    this.#reportConnection();
    this.#reportEnd();
    if (this.#visible) this.#store?.loadPast();
    this.#scheduleDraw();
  }

  /** Draw with the next frame, many tasks one after the other; what cannot be seen, within a second. */
  #scheduleDraw(): void {
    if (this.#visible && !document.hidden) return queue.add(this.#draw);
    this.#drawPlanned ||= window.setTimeout(() => {
      this.#drawPlanned = 0;
      return document.hidden ? this.#draw() : queue.add(this.#draw, this.#visible);
    }, UNSEEN_INTERVAL);
  }

  readonly #draw = (): void => {
    this.requestUpdate();
    if (this.isConnected) this.performUpdate();
  };

  #tick(): void {
    this.#store?.checkStalled();
    if (this.#visible) this.#store?.loadPast();
    if (!END_STATES.has(this.task.state)) this.#scheduleDraw();
  }

  #onVisibility(entries: IntersectionObserverEntry[]): void {
    this.#visible = entries.at(-1)?.isIntersecting ?? false;
    this.#resources.update(this, this.#visible);
    if (!this.#visible) return;
    this.#store?.loadPast();
    this.#scheduleDraw();
  }

  #reportConnection(): void {
    const live = this.status === "live";
    if (live !== this.#reportedLive) this.kernel?.send({ live });
    const changed = live !== this.#reportedLive || this.hasLog !== this.#reportedLog;
    [this.#reportedLive, this.#reportedLog] = [live, this.hasLog];
    if (changed) this.dispatchEvent(new CustomEvent("ja-connection", { bubbles: true }));
  }

  /** Dispatch `ja-ended` once for each attempt that the server reports as ended. */
  #reportEnd(): void {
    const task = this.#store?.task;
    if (!task || !END_STATES.has(task.state)) return;
    const end = `${task.attempt} ${task.state}`;
    if (end === this.#reportedEnd) return;
    this.#reportedEnd = end;
    this.dispatchEvent(
      new CustomEvent<Snapshot>("ja-ended", { bubbles: true, detail: structuredClone(task) }),
    );
  }

  /** Return the server's snapshot while it is live; otherwise the newer of the server's and the local one. */
  #currentTask(): Snapshot | null {
    const [served, known] = [this.#store?.task ?? null, this.#localSnapshot()];
    if (!served || !known) return served ?? known;
    return this.status !== "live" && (known.updated ?? 0) > (served.updated ?? 0) ? known : served;
  }

  #localSnapshot(): Snapshot | null {
    const known = this.kernel?.snapshot() ?? this.snapshot;
    return known?.id === this.taskId ? known : null;
  }

  get #now(): number {
    return this.#store?.connection.now() ?? Date.now() / 1000;
  }

  #props(): TaskProps {
    const [task, now, rate] = [this.task, this.#now, this.#store?.rateMeter ?? this.#ownRate];
    if (!this.#store && task.progress) rate.add(task.updated ?? now, task.progress.done);
    return {
      task,
      now,
      status: this.status,
      rate: rate.rate(task, now),
      hint: this.refused || this.#logs.error || hintOf(this.#store, this.#localSnapshot(), now),
      trouble: troubleOf(this.#store?.connection.trouble ?? [], task.producer),
      busy: this.busy,
      canCommand: this.#store?.connection.rights.has("write") ?? true,
      rerun: this.host?.rerun?.(task) ?? null,
      goToCell: goToCellOf(this.host, this.server, task),
      isAlone: this.host?.isAlone?.() ?? false,
      toggle: this.slim ? this.#toggle : null,
      sendCommand: this.#sendCommand,
    };
  }

  protected override render(): TemplateResult {
    const props = this.#props();
    this.#setAttributes(props.task);
    if (this.slim && !this.isOpen) return slimLine(props, this.#store?.metrics ?? null);
    return this.#full(props);
  }

  #full(props: TaskProps): TemplateResult {
    const [{ task }, store, server] = [props, this.#store, this.server];
    if (store?.task) this.#logs.load(server);
    const metrics = this.#hasPlots ? store!.metrics : null;
    const plotted = new Set(metrics ? plottedNames(task.metrics, metrics) : []);
    const log = html`<jupyter-agent-log .store=${store} label=${`Log of ${toSingleLine(task.name) || "the task"}`}></jupyter-agent-log>`;
    const isLogFirst = this.host !== null; // in a notebook, what comes later is below what is there
    return html`${head(props)}${progressBar(props)}${statistics(props)}${notice(props)}${outcome(task, props.goToCell)}
      <jupyter-agent-talk .conversation=${store?.conversation ?? null} .version=${store?.conversation.version ?? 0} .task=${task} .server=${server} .me=${store?.connection.user ?? null}
        .answer=${props.canCommand ? this.#answer : null}></jupyter-agent-talk>
      ${metricChips(task, plotted)}
      ${isLogFirst ? log : nothing}
      <jupyter-agent-plot .metrics=${metrics} .task=${task} .version=${store?.metrics.version ?? 0} .server=${metrics ? server : null}></jupyter-agent-plot><div class="ja-system" hidden></div>
      <jupyter-agent-gallery .gallery=${store?.gallery ?? null} .version=${store?.gallery.version ?? 0} .server=${server} .host=${this.host}></jupyter-agent-gallery>
      ${isLogFirst ? nothing : log}`;
  }

  /** Whether there are plots, or soon will be: until the page is connected, too, so that nothing moves then. */
  get #hasPlots(): boolean {
    const store = this.#store;
    if (!store || store.isUnknown || store.refusal) return false;
    return store.task !== null || store.status !== "offline";
  }

  protected override updated(): void {
    for (const part of this.querySelectorAll<LitElement>("jupyter-agent-log:defined, jupyter-agent-talk"))
      part.requestUpdate();
    this.#resources.update(this, this.#visible);
  }

  /** Set the attributes by which scripts, tests and assistive technology find the task. */
  #setAttributes(task: Snapshot): void {
    for (const [name, value] of Object.entries(attributesOf(task, this.status)))
      if (this.getAttribute(name) !== value) this.setAttribute(name, value);
    this.#wasActive ||= this.#currentTask() !== null && !END_STATES.has(task.state);
    this.toggleAttribute("data-was-active", this.#wasActive);
    this.toggleAttribute("data-expects-log", expectsLog(task, this.#wasActive));
  }

  readonly #toggle = (): void => {
    this.isOpen = !this.isOpen;
    // The focus follows to the button that takes this back.
    void this.updateComplete.then(() => this.querySelector<HTMLElement>("[aria-expanded]")?.focus());
  };

  readonly #answer = (text: string, promptId: string | null): Promise<boolean> =>
    this.#sendCommand("input", promptId === null ? { text } : { text, prompt_id: promptId });

  /** Send a command and show a refusal. Resolves with whether it was accepted. */
  readonly #sendCommand = async (command: string, args: object = {}): Promise<boolean> => {
    if (this.busy) return false;
    this.busy = command;
    const to = { kernel: this.kernel, connection: this.#store?.connection ?? null };
    this.refused = await requestCommand(to, this.task, command, args);
    this.busy = "";
    return this.refused === "";
  };
}
