/** The tasks of a time, loaded page by page, and the earlier attempts of those that were repeated. */

import { formatMoment } from "../model/format.js";
import { allEvents } from "../model/history.js";
import type { TaskPage } from "../model/lookups.js";
import { fetchJson, type Server } from "../net/server.js";
import type { Snapshot, TaskEvent } from "../net/types.js";
import { type Attempt, attemptsOf, type Range } from "./spans.js";

const PAGE_SIZE = 500;
/** Tasks that are kept; of a window with more, the newest. */
const MAX_TASKS = 4000;
/** Tasks that are kept of those that were queued before a window and reach into it, and that are looked at for them. */
const MAX_EARLIER = 2000;
/** Tasks whose earlier attempts are loaded. */
const MAX_REPEATED = 50;
/** Seconds before a window in which an ended task that reaches into it must have been queued. */
const LOOK_BACK = 86_400;

export class TaskWindow {
  /** The tasks of the window that was loaded last; while another is loaded, those of both. */
  tasks: ReadonlyMap<string, Snapshot> = new Map();
  /** Another map with each change. */
  earlier: ReadonlyMap<string, readonly Attempt[]> = new Map();
  /** When the oldest task was queued that was looked at, of a time with very many; null: all were. */
  cutAt: number | null = null;
  /** Whether the server is being asked. */
  isLoading = false;
  /** Why the server does not tell; empty while it does. */
  error = "";
  #turn = 0;
  /** By task: the attempt whose earlier ones were asked for last. */
  readonly #asked = new Map<string, number>();
  readonly #server: Server;
  readonly #changed: () => void;

  constructor(server: Server, changed: () => void) {
    this.#server = server;
    this.#changed = changed;
  }

  /** Why there is nothing new, or what is not shown; empty: neither. */
  get said(): string {
    if (this.error !== "" || this.cutAt === null) return this.error;
    return `Tasks that were queued before ${formatMoment(this.cutAt)} are not shown.`;
  }

  /** Load what was queued in a window, and what was queued a while before and reaches into it. A later call takes the
   * place of this one. */
  async load({ from, to }: Range): Promise<void> {
    const turn = (this.#turn += 1);
    const loaded = new Map<string, Snapshot>();
    const [since, until] = [String(Math.floor(from)), String(Math.ceil(to))];
    const early = { since: String(Math.floor(from - Math.max(LOOK_BACK, to - from))), until: since };
    const reaching = ({ ended }: Snapshot) => ended === null || ended >= from;
    this.isLoading = true;
    const newer = await this.#loadPages({ since, until }, MAX_TASKS, turn, loaded);
    const older = newer && (await this.#loadPages(early, MAX_EARLIER, turn, loaded, reaching));
    if (turn !== this.#turn) return;
    this.isLoading = false;
    if (newer && older) [this.tasks, this.cutAt, this.error] = [loaded, newer.cutAt ?? older.cutAt, ""];
    this.#changed();
  }

  /** Load tasks page by page. Resolves with when the oldest was queued that was looked at, if there are more; null: the
   * server does not tell, or another window is loaded meanwhile. */
  async #loadPages(
    query: Record<string, string>,
    max: number,
    turn: number,
    loaded: Map<string, Snapshot>,
    isWanted: (task: Snapshot) => boolean = () => true,
  ): Promise<{ cutAt: number | null } | null> {
    let [more, before, count] = [true, "", 0];
    let oldest: number | null = null;
    while (more && count < max) {
      const page = await this.#fetch({ ...query, limit: String(PAGE_SIZE), ...(before && { before }) });
      if (turn !== this.#turn) return null;
      if (typeof page === "string") return this.#fail(page);
      for (const task of page.tasks.filter(isWanted)) loaded.set(task.id, task);
      [more, before] = [page.more, page.before ?? page.tasks.at(-1)?.id ?? ""];
      oldest = page.tasks.at(-1)?.created ?? oldest;
      count += page.tasks.length;
      this.tasks = new Map([...this.tasks, ...loaded]);
      this.#changed();
    }
    return { cutAt: more ? oldest : null };
  }

  /** What was loaded before stays. */
  #fail(error: string): null {
    this.error = error;
    return null;
  }

  /** Load the earlier attempts of tasks that have any, once for each attempt. */
  loadAttempts(tasks: readonly Snapshot[]): void {
    if (this.#asked.size >= MAX_REPEATED) this.#forgetOthers(tasks);
    for (const { id, attempt } of tasks) {
      const asked = this.#asked.get(id) ?? 1;
      if (attempt <= asked || (asked === 1 && this.#asked.size >= MAX_REPEATED)) continue;
      this.#asked.set(id, attempt);
      void this.#loadAttempts(id, attempt);
    }
  }

  #forgetOthers(tasks: readonly Snapshot[]): void {
    const shown = new Set(tasks.map(({ id }) => id));
    const others = [...this.#asked.keys()].filter((id) => !shown.has(id));
    if (others.length === 0) return;
    for (const id of others) this.#asked.delete(id);
    this.earlier = new Map([...this.earlier].filter(([id]) => this.#asked.has(id)));
  }

  async #loadAttempts(id: string, attempt: number): Promise<void> {
    const events: TaskEvent[] = [];
    try {
      for await (const page of allEvents(this.#server, id, ["state"])) events.push(...page);
    } catch {
      return; // the bar shows the present attempt
    }
    if (this.#asked.get(id) !== attempt) return;
    this.earlier = new Map(this.earlier).set(id, attemptsOf(events));
    this.#changed();
  }

  /** Resolve with a page, or with why there is none. */
  #fetch(query: Record<string, string>): Promise<TaskPage | string> {
    return fetchJson(this.#server, `tasks?${new URLSearchParams(query)}`, "The server does not answer.");
  }
}
