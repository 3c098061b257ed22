/** The history of a shared notebook's views: a map beside its cells, which all pages share and no file contains. */

const NAME = "jupyter-agent";
const SINCE = "since";

/** The parts of Yjs's `Doc` and `Map` that are used here. */
export interface SharedDoc {
  getMap(name: string): SharedMap;
}
interface SharedMap {
  has(key: string): boolean;
  get(key: string): unknown;
  set(key: string, value: unknown): void;
}

export class ViewHistory {
  readonly #map: SharedMap;

  readonly #mayWrite: () => boolean;

  /** `now`: Unix seconds. `mayWrite`: whether this page may change the notebook; else it only reads. */
  constructor(doc: SharedDoc, now: number, mayWrite: () => boolean) {
    this.#map = doc.getMap(NAME);
    this.#mayWrite = mayWrite;
    if (!this.#map.has(SINCE)) this.#set(SINCE, now);
  }

  /** When the history began, Unix seconds; it knows nothing of earlier tasks. NaN before a page has begun it. */
  get since(): number {
    return Number(this.#map.get(SINCE));
  }

  /** Return whether the notebook has shown a task: if it does not any more, its view was removed. */
  hasShown(task: string): boolean {
    return this.#map.get(`shown ${task}`) === true;
  }

  /** `isShown`: false for a view that is not there although it was not removed. */
  setShown(task: string, isShown: boolean): void {
    if (this.hasShown(task) !== isShown) this.#set(`shown ${task}`, isShown);
  }

  /** Return the page that ran a cell last: it receives the outputs. Null when unknown. */
  runnerOf(cell: string): number | null {
    const page = this.#map.get(`runner ${cell}`);
    return typeof page === "number" ? page : null;
  }

  /** `page`: null for a cell whose outputs no page receives any more. */
  setRunner(cell: string, page: number | null): void {
    if (this.runnerOf(cell) !== page) this.#set(`runner ${cell}`, page);
  }

  #set(key: string, value: unknown): void {
    if (this.#mayWrite()) this.#map.set(key, value);
  }
}
