/** The search in lines of a log that are not loaded, newest first, by the server. */

import { fetchEvents, type EventPage } from "../../model/history.js";
import { Log } from "../../model/log/log.js";
import type { Level } from "../../model/log/levels.js";
import type { TaskStore } from "../../model/task_store.js";
import type { TaskEvent } from "../../net/types.js";

/** Maximum number of lines that are found; a longer list says less than a longer text. */
const MAX_MATCHES = 20_000;
const PAGE_SIZE = 1000;

/** A line with the text: its event, and its number (null where the server does not say). */
export interface Match {
  readonly offset: number;
  readonly number: number | null;
  readonly text: string;
}

/** Which lines to look at: those before a cursor, of a level and above (null: all). */
export interface Extent {
  readonly before: string;
  readonly level: Level | null;
}

export class EarlierSearch {
  /** Newest first. */
  readonly matches: Match[] = [];
  /** Number of log events that were looked at. */
  looked = 0;
  isDone = false;
  /** Whether there are more matches than are kept. */
  isCut = false;
  /** Why it ended early; empty without an error. */
  error = "";
  #isStopped = false;

  constructor(
    readonly store: TaskStore,
    readonly query: string,
    readonly extent: Extent,
  ) {}

  /** Search to the end, and call `changed` after each page. */
  async run(changed: () => void): Promise<void> {
    try {
      await this.#run(changed);
    } catch (error) {
      this.error = error instanceof Error ? error.message : String(error);
    }
    this.isDone = true;
    if (!this.#isStopped) changed();
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #run(changed: () => void): Promise<void> {
    let before: string | null = this.extent.before;
    while (before !== null && !this.#isStopped && !this.isCut) {
      const page: EventPage = await fetchEvents(this.store.server, this.store.taskId, this.#request(before));
      this.looked += page.looked ?? 0;
      for (const event of page.events.reverse()) this.#add(event);
      before = page.more ? page.cursor : null;
      changed();
    }
  }

  #request(before: string): Record<string, string> {
    const { level } = this.extent;
    return { grep: this.query, before, limit: String(PAGE_SIZE), ...(level === null ? {} : { level }) };
  }

  /** Add the matching lines of an event, the last one first. */
  #add(event: TaskEvent): void {
    const [log, needle] = [new Log(), this.query.toLowerCase()];
    log.add(event);
    for (const line of log.lines.reverse()) {
      if (line.kind === "attempt" || line.kind === "section" || !line.text.toLowerCase().includes(needle))
        continue;
      this.isCut ||= this.matches.length >= MAX_MATCHES;
      if (!this.isCut) this.matches.push({ offset: event.offset, number: line.number, text: line.text });
    }
  }
}
