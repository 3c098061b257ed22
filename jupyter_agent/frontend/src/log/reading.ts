/** What a reader of a log looks at: all lines or those of a level, a search, a place in the log, and the current line. */

import type { Level } from "../model/log/levels.js";
import type { Line } from "../model/log/line.js";
import type { TaskStore } from "../model/task_store.js";
import { extentOf, Finder } from "./finder.js";
import { lineInAddress } from "./line_address.js";
import type { Match } from "./pages/earlier_search.js";
import type { Source } from "../model/log/source.js";
import { isLineOf, openLevel, openLine, openMatch, searchBefore, Sources } from "./sources.js";

/** Where the lines are drawn. */
export interface Screen {
  changed(): void;
  /** Go to a line. */
  show(index: number): void;
  /** Other lines are shown; `follow`: from now on the newest ones. */
  reset(follow: boolean): void;
  /** Show the error of a job that no caller waits for. */
  attempt(job: Promise<unknown>): void;
}

export class Reading {
  level: Level | null = null;
  /** The line that is marked; null: none. */
  current: Line | null = null;
  readonly sources = new Sources();
  readonly #finder = new Finder();
  readonly #screen: Screen;
  #store: TaskStore | null = null;
  /** The restart of the store's subscription that the lines are of. */
  #restarts = 0;
  /** Whether the line in the page's address was looked for. */
  #isAddressRead = false;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  get query(): string {
    return this.#finder.query;
  }

  /** The search in the lines that are loaded, which marks what it finds. */
  get loaded(): Finder["loaded"] {
    return this.#finder.loaded;
  }

  /** Which match it is, of how many, and how far the search has looked; empty without a search. */
  get status(): string {
    const [store, base] = [this.#store, this.sources.base];
    return store && base ? this.#finder.status(extentOf(store, base, this.level)) : "";
  }

  /** Start over for another store: its lines and versions are numbered anew. */
  open(store: TaskStore | null): void {
    this.#store = store;
    this.#restarts = store?.restarts ?? 0;
    this.sources.reset(store);
    this.level = this.current = null;
    this.#isAddressRead = false;
    this.#screen.reset(true);
    if (store) this.#finder.setQuery(this.query, store.log);
  }

  /** Go on with what has come since the last call; open anew what a restart of the subscription has made old. */
  update(): void {
    const store = this.#store;
    if (!store) return;
    this.#finder.update(this.sources.base!.log);
    if (store.restarts === this.#restarts) return;
    this.#restarts = store.restarts;
    if (this.level !== null || this.query || this.sources.around) this.#screen.attempt(this.#reopen(store));
  }

  /** Other lines are loaded than before, perhaps of another journal. */
  async #reopen(store: TaskStore): Promise<void> {
    this.#goTo(null);
    if (!store.task) this.level = null; // it is not in this journal
    await this.setLevel(this.level);
  }

  /** Let nothing go on that only a view needs. Idempotent. */
  suspend(): void {
    this.#finder.searchEarlier(null);
    this.sources.closeLevel();
  }

  /** Show the lines of a level and above; null: all. Rejects with the server's message, and leaves the level. */
  async setLevel(level: Level | null, isShown: () => boolean = () => true): Promise<void> {
    const [store, before] = [this.#store!, this.level];
    const restarts = store.restarts;
    this.level = level;
    const isAsked = () => this.#store === store && this.level === level;
    const opened = await openLevel(store, level, () => this.#screen.changed()).catch((error: unknown) => {
      if (isAsked()) this.level = before;
      throw error;
    });
    if (!isAsked() || !isShown() || store.restarts !== restarts) return opened?.close();
    this.sources.setLevel(opened);
    this.#screen.reset(true);
    await this.search(this.query);
  }

  /** Search the lines that are shown, and those before them that are not loaded. */
  async search(query: string): Promise<void> {
    const [store, base] = [this.#store!, this.sources.base!];
    this.#finder.setQuery(query, base.log);
    this.#showMatch(store);
    if (!query || base.earlier === 0) return;
    const search = searchBefore(store, base, query, this.level);
    this.#finder.searchEarlier(search);
    await search.run(() => {
      if (this.current === null) this.#showMatch(store);
      this.#screen.changed();
    });
  }

  /** Go to a newer match (1) or an older one (-1). */
  step(by: number): void {
    this.#finder.step(by);
    if (this.#store) this.#showMatch(this.#store);
  }

  /** Leave the lines around a place for the newest ones. */
  leavePlace(): void {
    this.#goTo(null);
  }

  /** Whether the line in the page's address has not been looked for, and the task is known. */
  get isAddressDue(): boolean {
    return !this.#isAddressRead && Boolean(this.#store?.task);
  }

  /** Open the line in the page's address. */
  async openAddress(): Promise<void> {
    const store = this.#store!;
    this.#isAddressRead = true;
    const number = lineInAddress(store.taskId);
    if (number === null || store.task?.logs === 0) return;
    const fits = (line: Line) => line.number === number;
    const loaded = store.log.indexOf(fits);
    if (loaded !== null) return this.#showLine(loaded);
    this.#showAround(await openLine(store, number), fits);
  }

  #showMatch(store: TaskStore): void {
    const place = this.#finder.place;
    this.current = null;
    if (place === null) this.#screen.changed();
    else if ("line" in place) this.#showLine(place.line);
    else this.#screen.attempt(this.#showEarlier(store, place));
  }

  #showLine(index: number): void {
    this.#goTo(null);
    this.#show(index);
  }

  async #showEarlier(store: TaskStore, place: { match: Match }): Promise<void> {
    const around = await openMatch(store, place.match, this.sources.around);
    if (this.#finder.place === place) this.#showAround(around, isLineOf(place.match));
    else if (around !== this.sources.around) around.close();
  }

  #showAround(around: Source, fits: (line: Line) => boolean): void {
    this.#goTo(around);
    this.#show(around.log.indexOf(fits) ?? around.log.first);
  }

  #show(index: number): void {
    this.current = this.sources.shown?.log.line(index) ?? null;
    this.#screen.show(index);
  }

  /** Open the lines around a place; null: leave it. */
  #goTo(around: Source | null): void {
    if (this.sources.goTo(around)) this.#screen.reset(false);
  }
}
