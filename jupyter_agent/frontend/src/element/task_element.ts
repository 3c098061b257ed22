/** `<jupyter-agent-task>`: one task, wherever it is shown. */

import { LitElement, html, type PropertyValues, type TemplateResult } from "lit";
import { sharedConnection } from "../net/connection_pool.js";
import { pageServer, type Server } from "../net/server.js";
import type { Snapshot, Status } from "../net/types.js";
import { Feed } from "../model/task_store.js";
import { ENDED, emptyTask } from "../model/reducer.js";
import { Speed } from "../model/rate.js";
import { oneLine } from "../model/format.js";
import { adopt } from "../dom/styles.js";
import type { Host } from "./gallery_view.js";
import { bar, chips, ending, figures, head, notice, slimLine, type Picture } from "./sections.js";
import css from "./task.css";

/** The kernel's side, where a widget has one. */
export interface Kernel {
  snapshot(): Snapshot | null;
  send(message: object): void;
}

const UNKNOWN = "This server does not know the task; this is what the notebook knew of it.";
const UNREACHED = "Not connected: neither the server nor the kernel can be reached.";
/** Seconds after which a task that the server does not know is an old one, and not one that just begins. */
const FRESH = 10;
/** Milliseconds between two drawings of a page that nobody sees. */
const HIDDEN = 1000;

export class TaskElement extends LitElement {
  static override properties = {
    taskId: { attribute: "task-id" },
    slim: { type: Boolean, reflect: true },
    server: { attribute: false },
    snapshot: { attribute: false },
    host: { attribute: false },
    kernel: { attribute: false },
    refused: { state: true },
    busy: { state: true },
  };
  declare taskId: string;
  declare slim: boolean;
  /** Where the task is; null: nowhere that this page can reach. */
  declare server: Server | null;
  /** What is drawn until the server speaks. */
  declare snapshot: Snapshot | null;
  declare host: Host | null;
  declare kernel: Kernel | null;
  declare refused: string;
  declare busy: string;
  #feed: Feed | null = null;
  #unwatch: (() => void) | null = null;
  #clock = 0;
  #planned = false;
  #seen = false;
  #live: boolean | null = null;
  #ended = "";
  readonly #ownSpeed = new Speed();
  readonly #sight = new IntersectionObserver((entries) => this.#sighted(entries));

  constructor() {
    super();
    this.taskId = this.refused = this.busy = "";
    this.slim = false;
    this.server = pageServer();
    this.snapshot = this.host = this.kernel = null;
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    adopt(this, css);
    this.classList.add("jupyter-agent-task");
    this.#clock = window.setInterval(() => this.#tick(), 1000);
    this.#sight.observe(this);
    this.#attach();
    this.#tellKernel();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#clock);
    this.#sight.disconnect();
    this.#detach();
  }

  /** The task as it is known now. */
  get task(): Snapshot {
    return this.#newest() ?? emptyTask(this.taskId);
  }

  get status(): Status {
    return this.#feed?.status ?? "offline";
  }

  /** Something outside has changed, such as the kernel's snapshot. */
  refresh(): void {
    this.#plan();
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (this.isConnected && (changed.has("taskId") || changed.has("server"))) this.#attach();
  }

  #attach(): void {
    this.#detach();
    if (!this.taskId || !this.server) return;
    this.#feed = Feed.of(sharedConnection(this.server), this.server, this.taskId);
    this.#unwatch = this.#feed.watch(() => this.#changed());
  }

  #detach(): void {
    this.#unwatch?.();
    this.#unwatch = this.#feed = null;
  }

  #changed(): void {
    this.#tellKernel();
    this.#tellEnd();
    if (this.#seen) this.#feed?.look();
    this.#plan();
  }

  /** Draw with the next frame; on a page that nobody sees, within a second. */
  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    const draw = () => {
      this.#planned = false;
      this.requestUpdate();
    };
    if (document.hidden) setTimeout(draw, HIDDEN);
    else requestAnimationFrame(draw);
  }

  #tick(): void {
    this.#feed?.tick();
    if (this.#seen) this.#feed?.look();
    if (!ENDED.has(this.task.state)) this.#plan();
  }

  #sighted(entries: IntersectionObserverEntry[]): void {
    this.#seen = entries.at(-1)?.isIntersecting ?? false;
    if (this.#seen) this.#feed?.look();
  }

  #tellKernel(): void {
    const live = this.status === "live";
    if (live !== this.#live) this.kernel?.send({ live });
    this.#live = live;
  }

  /** Say once of each attempt how it ended, when the server says so. */
  #tellEnd(): void {
    const task = this.#feed?.task;
    if (!task || !ENDED.has(task.state)) return;
    const end = `${task.attempt} ${task.state}`;
    if (end === this.#ended) return;
    this.#ended = end;
    this.dispatchEvent(
      new CustomEvent<Snapshot>("ja-ended", { bubbles: true, detail: structuredClone(task) }),
    );
  }

  /** The server's word while it speaks, else whichever is newer. */
  #newest(): Snapshot | null {
    const [served, known] = [this.#feed?.task ?? null, this.#known()];
    if (!served || !known) return served ?? known;
    return this.status !== "live" && (known.updated ?? 0) > (served.updated ?? 0) ? known : served;
  }

  #known(): Snapshot | null {
    const known = this.kernel?.snapshot() ?? this.snapshot;
    return known && known.id === this.taskId ? known : null;
  }

  get #now(): number {
    return this.#feed?.connection.now() ?? Date.now() / 1000;
  }

  #hint(): string {
    const feed = this.#feed;
    if (this.refused || !feed) return this.refused;
    if (feed.connection.stopped)
      return `The server closed the connection: ${feed.connection.stopped}. Reload the page to try again.`;
    if (feed.refusal) return feed.refusal;
    const known = this.#known();
    const old = known && (ENDED.has(known.state) || this.#now - (known.updated ?? 0) > FRESH);
    return feed.unknown && !feed.task && old ? UNKNOWN : "";
  }

  #picture(): Picture {
    const [task, now] = [this.task, this.#now];
    const speed = this.#feed?.speed ?? this.#ownSpeed;
    if (!this.#feed && task.progress) speed.add(task.updated ?? now, task.progress.done);
    return {
      task,
      now,
      status: this.status,
      rate: speed.rate(task, now),
      hint: this.#hint(),
      busy: this.busy,
      ask: this.#ask,
    };
  }

  protected override render(): TemplateResult {
    const picture = this.#picture();
    this.#mark(picture.task);
    return this.slim ? slimLine(picture) : this.#full(picture);
  }

  #full(picture: Picture): TemplateResult {
    const [{ task }, feed, server] = [picture, this.#feed, this.server];
    return html`${head(picture)}${bar(picture)}${figures(picture)}${notice(picture)}${ending(task)}
      <jupyter-agent-talk .talk=${feed?.talk ?? null} .version=${feed?.talk.version ?? 0} .task=${task} .server=${server} .me=${feed?.connection.user ?? null}
        .answer=${this.#answer}></jupyter-agent-talk>
      ${chips(task)}
      <jupyter-agent-plot .metrics=${feed?.metrics ?? null} .version=${feed?.metrics.version ?? 0} .server=${server}></jupyter-agent-plot>
      <jupyter-agent-gallery .gallery=${feed?.gallery ?? null} .version=${feed?.gallery.version ?? 0} .server=${server} .host=${this.host}></jupyter-agent-gallery>
      <jupyter-agent-log .feed=${feed} label=${`Log of ${oneLine(task.name) || "the task"}`}></jupyter-agent-log>`;
  }

  protected override updated(): void {
    for (const part of this.querySelectorAll<LitElement>("jupyter-agent-log, jupyter-agent-talk"))
      part.requestUpdate();
  }

  /** What others find the task by. */
  #mark(task: Snapshot): void {
    const marks = {
      "data-task-id": task.id,
      "data-state": task.state,
      "data-connection": this.status,
      "data-logs": String(task.logs),
      "data-asking": String(task.prompt !== null),
      role: "group",
      "aria-label": `Task ${oneLine(task.name) || task.id}`,
    };
    for (const [name, value] of Object.entries(marks))
      if (this.getAttribute(name) !== value) this.setAttribute(name, value);
  }

  readonly #answer = (text: string, promptId: string | null): Promise<boolean> =>
    this.#ask("input", promptId === null ? { text } : { text, prompt_id: promptId });

  /** Ask the task for something; what is refused is said in the view. Resolves with whether it was taken. */
  readonly #ask = async (command: string, args: object = {}): Promise<boolean> => {
    if (this.busy) return false;
    this.busy = command;
    this.refused = (await this.#command(command, args)) ?? "";
    this.busy = "";
    return this.refused === "";
  };

  async #command(command: string, args: object): Promise<string | null> {
    const { id, attempt } = this.task;
    const connection = this.#feed?.connection;
    if (this.kernel && !connection?.live) {
      this.kernel.send({ command, args });
      return null;
    }
    if (!connection) return UNREACHED;
    const reply = await connection.command(id, attempt, command, args);
    return reply.ok ? null : (reply.message ?? "The server refused.");
  }
}
