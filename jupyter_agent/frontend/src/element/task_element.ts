/** `<jupyter-agent-task>`: one task, wherever it is shown. */

import { html, type LitElement, type PropertyValues, type TemplateResult } from "lit";
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
import {
  progressBar,
  metricChips,
  outcome,
  statistics,
  head,
  notice,
  slimLine,
  type TaskProps,
} from "./sections.js";
import { hintOf } from "./hint.js";
import css from "./task.css";

/** The kernel behind a widget. */
export interface Kernel {
  snapshot(): Snapshot | null;
  send(message: object): void;
}

const UNREACHABLE = "Not connected: neither the server nor the kernel can be reached.";
/** Milliseconds between two drawings of a hidden page. */
const HIDDEN_INTERVAL = 1000;

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
  #drawPlanned = false;
  #visible = false;
  #reportedLive: boolean | null = null;
  #reportedLog: boolean | null = null;
  #reportedEnd = "";
  readonly #ownRate = new RateMeter();
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
    adoptStyles(this, css);
    this.classList.add("jupyter-agent-task");
    this.#clock = window.setInterval(() => this.#tick(), 1000);
    this.#visibility.observe(this);
    this.#attach();
    this.#reportConnection();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#clock);
    this.#visibility.disconnect();
    this.#detach();
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
    if (this.slim || this.#store?.isUnknown || this.#store?.log.hasLosses) return false;
    return this.#store?.task ? true : null;
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

  /** Draw with the next frame; on a hidden page, within a second. */
  #scheduleDraw(): void {
    if (this.#drawPlanned) return;
    this.#drawPlanned = true;
    const draw = () => {
      this.#drawPlanned = false;
      this.requestUpdate();
    };
    if (document.hidden) setTimeout(draw, HIDDEN_INTERVAL);
    else requestAnimationFrame(draw);
  }

  #tick(): void {
    this.#store?.checkStalled();
    if (this.#visible) this.#store?.loadPast();
    if (!END_STATES.has(this.task.state)) this.#scheduleDraw();
  }

  #onVisibility(entries: IntersectionObserverEntry[]): void {
    this.#visible = entries.at(-1)?.isIntersecting ?? false;
    if (this.#visible) this.#store?.loadPast();
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
    const [task, now] = [this.task, this.#now];
    const rate = this.#store?.rateMeter ?? this.#ownRate;
    if (!this.#store && task.progress) rate.add(task.updated ?? now, task.progress.done);
    return {
      task,
      now,
      status: this.status,
      rate: rate.rate(task, now),
      hint: this.refused || hintOf(this.#store, this.#localSnapshot(), now),
      trouble: this.#store?.connection.trouble.at(-1) ?? "",
      busy: this.busy,
      rerun: this.host?.rerun?.(task) ?? null,
      goToCell: this.host?.openCell ? (place) => this.host?.openCell?.(task, place) : null,
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
    const metrics = this.#hasPlots ? store!.metrics : null;
    const plotted = new Set(metrics ? plottedNames(task.metrics, metrics) : []);
    return html`${head(props)}${progressBar(props)}${statistics(props)}${notice(props)}${outcome(task, props.goToCell)}
      <jupyter-agent-talk .conversation=${store?.conversation ?? null} .version=${store?.conversation.version ?? 0} .task=${task} .server=${server} .me=${store?.connection.user ?? null}
        .answer=${this.#answer}></jupyter-agent-talk>
      ${metricChips(task, plotted)}
      <jupyter-agent-plot .metrics=${metrics} .task=${task} .version=${store?.metrics.version ?? 0} .server=${metrics ? server : null}></jupyter-agent-plot>
      <jupyter-agent-gallery .gallery=${store?.gallery ?? null} .version=${store?.gallery.version ?? 0} .server=${server} .host=${this.host}></jupyter-agent-gallery>
      <jupyter-agent-log .store=${store} label=${`Log of ${toSingleLine(task.name) || "the task"}`}></jupyter-agent-log>`;
  }

  /** Whether there are plots, or soon will be: until the page is connected, too, so that nothing moves then. */
  get #hasPlots(): boolean {
    const store = this.#store;
    if (!store || store.isUnknown || store.refusal) return false;
    return store.task !== null || store.status !== "offline";
  }

  protected override updated(): void {
    for (const part of this.querySelectorAll<LitElement>("jupyter-agent-log, jupyter-agent-talk"))
      part.requestUpdate();
  }

  /** Set the attributes by which scripts, tests and assistive technology find the task. */
  #setAttributes(task: Snapshot): void {
    const attributes = {
      "data-task-id": task.id,
      "data-state": task.state,
      "data-connection": this.status,
      "data-logs": String(task.logs),
      "data-asking": String(task.prompt !== null),
      role: "group",
      "aria-label": `Task ${toSingleLine(task.name) || task.id}`,
    };
    for (const [name, value] of Object.entries(attributes))
      if (this.getAttribute(name) !== value) this.setAttribute(name, value);
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
    this.refused = (await this.#requestCommand(command, args)) ?? "";
    this.busy = "";
    return this.refused === "";
  };

  async #requestCommand(command: string, args: object): Promise<string | null> {
    const { id, attempt } = this.task;
    const connection = this.#store?.connection;
    if (this.kernel && !connection?.live) {
      this.kernel.send({ command, args });
      return null;
    }
    if (!connection) return UNREACHABLE;
    const reply = await connection.command(id, attempt, command, args);
    return reply.ok ? null : (reply.message ?? "The server refused.");
  }
}
