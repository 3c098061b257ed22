/** Lines of a log that are loaded page by page: from another place than its end, or of a level and above. */

import { fetchEvents, type EventPage } from "../../model/history.js";
import { LEVELS, severity, type Level } from "../../model/log/levels.js";
import { Log, LOG_TYPES, MAX_LINES_HELD } from "../../model/log/log.js";
import type { Source } from "../../model/log/source.js";
import type { TaskStore } from "../../model/task_store.js";
import { offsetOf } from "../../net/cursor.js";
import type { TaskEvent } from "../../net/types.js";

/** Events in a page. */
const PAGE_SIZE = 500;
/** Lines above a place that are loaded with it. */
const LINES_ABOVE = 200;

export class PagedLog implements Source {
  readonly log = new Log(MAX_LINES_HELD);
  /** The cursors of the pages before and after; null: there are none. */
  #before: string | null = null;
  #after: string | null = null;
  /** The newest event that its first page may have: a subscription that begins sends such events again. */
  #from = 0;
  #loading: Promise<void> | null = null;
  #isClosed = false;
  readonly #restarts: number;

  /** `level`: null for all lines. `changed`: called after each change that no caller waits for. */
  constructor(
    readonly store: TaskStore,
    readonly level: Level | null,
    readonly changed: () => void,
  ) {
    this.#restarts = store.restarts;
  }

  /** Open the newest lines of a level and above; it goes on with what is logged. */
  static async ofLevel(store: TaskStore, level: Level, changed: () => void): Promise<PagedLog> {
    const paged = new PagedLog(store, level, changed);
    paged.#before = store.cursor;
    paged.#from = offsetOf(store.cursor);
    store.taps.add(paged.#onEvent);
    try {
      await paged.loadEarlier();
    } catch (error) {
      paged.close();
      throw error;
    }
    return paged;
  }

  /** Open the lines around the event with this offset. */
  static around(store: TaskStore, offset: number): Promise<PagedLog> {
    return PagedLog.#open(store, { after: store.cursorAt(offset - 1) });
  }

  /** Open the lines around the one with this number. */
  static atLine(store: TaskStore, line: number): Promise<PagedLog> {
    return PagedLog.#open(store, { line: String(line) });
  }

  static async #open(store: TaskStore, place: Record<string, string>): Promise<PagedLog> {
    const paged = new PagedLog(store, null, () => {});
    const page = await paged.#fetch({ ...place, limit: String(PAGE_SIZE) });
    paged.#add(page);
    const first = page.events[0];
    if (first) paged.#before = store.cursorAt(first.offset - 1);
    if (first) await paged.#loadEarlier(LINES_ABOVE);
    return paged;
  }

  get earlier(): number | null {
    return this.#before === null ? 0 : null;
  }

  get later(): boolean {
    return this.#after !== null;
  }

  loadEarlier(): Promise<void> {
    return this.#once(() => this.#loadEarlier(PAGE_SIZE));
  }

  loadLater(): Promise<void> {
    return this.#once(async () => {
      if (this.#after !== null)
        this.#add(await this.#fetch({ after: this.#after, limit: String(PAGE_SIZE) }));
    });
  }

  close(): void {
    this.#isClosed = true;
    this.store.taps.delete(this.#onEvent);
  }

  /** Load one page at a time: a call meanwhile shares it. */
  #once(load: () => Promise<void>): Promise<void> {
    this.#loading ??= load().finally(() => (this.#loading = null));
    return this.#loading;
  }

  /** Load a page before the first line; the server may need several requests until it finds something. */
  async #loadEarlier(limit: number): Promise<void> {
    while (this.#before !== null && !this.#isClosed) {
      const { oldest } = this.log;
      const page = await this.#fetch({ before: this.#before, limit: String(limit) });
      if (oldest !== null && this.log.oldest !== oldest) return; // trimmed meanwhile: these are not the lines before
      this.#before = page.more ? page.cursor : null;
      this.log.prepend(page.events);
      if (page.events.length > 0) return;
      this.changed();
    }
  }

  #add(page: EventPage): void {
    for (const event of page.events) this.#addEvent(event);
    this.#after = page.more ? page.cursor : null;
  }

  /** Add an event. The oldest lines that the log drops for it can be loaded again. */
  #addEvent(event: TaskEvent): void {
    const before = this.log.oldest;
    this.log.add(event);
    const { oldest } = this.log;
    if (before !== null && oldest !== null && oldest !== before)
      this.#before = this.store.cursorAt(oldest - 1);
  }

  #fetch(query: Record<string, string>): Promise<EventPage> {
    const lines: Record<string, string> =
      this.level === null ? { types: LOG_TYPES.join(",") } : { level: this.level };
    return fetchEvents(this.store.server, this.store.taskId, { ...lines, ...query });
  }

  readonly #onEvent = (event: TaskEvent): void => {
    if (event.offset <= this.#from || this.store.restarts !== this.#restarts) return;
    if (event.flag === "bad_data" || event.type !== "log" || this.level === null) return;
    if (event.data.stream !== "logging") return;
    if (severity(event.data.level) >= LEVELS[this.level]) this.#addEvent(event);
  };
}
