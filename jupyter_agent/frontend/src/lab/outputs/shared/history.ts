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

  /** `now`: Unix seconds. */
  constructor(doc: SharedDoc, now: number) {
    this.#map = doc.getMap(NAME);
    if (!this.#map.has(SINCE)) this.#map.set(SINCE, now);
  }

  /** When the history began, Unix seconds; it knows nothing of earlier tasks. */
  get since(): number {
    return Number(this.#map.get(SINCE));
  }

  /** Return whether the notebook has shown a task: if it does not any more, its view was removed. */
  hasShown(task: string): boolean {
    return this.#map.get(`shown ${task}`) === true;
  }

  /** `isShown`: false for a view that is not there although it was not removed. */
  setShown(task: string, isShown: boolean): void {
    if (this.hasShown(task) !== isShown) this.#map.set(`shown ${task}`, isShown);
  }

  /** Return the page that ran a cell last: it receives the outputs. Null when unknown. */
  runnerOf(cell: string): number | null {
    const page = this.#map.get(`runner ${cell}`);
    return typeof page === "number" ? page : null;
  }

  /** `page`: null for a cell whose outputs no page receives any more. */
  setRunner(cell: string, page: number | null): void {
    if (this.runnerOf(cell) !== page) this.#map.set(`runner ${cell}`, page);
  }
}
