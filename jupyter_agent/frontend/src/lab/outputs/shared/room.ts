/** The room of a shared notebook: the pages that have it open, and the one of them that writes. */

/** The field of a page's state that says whether it can write views and end states. */
const FIELD = "jupyter-agent";
const WRITES = "writes";
/** The page was left: the room itself notices that after 30 seconds only. */
const LEFT = "left";
/** Milliseconds in which the other pages answer a new one. A page that does not counts as gone until it is heard. */
const ANSWER_TIMEOUT = 1000;

type ChangeListener = (changes: { added: number[] }) => void;

/** The parts of Yjs's `Awareness` that are used here: states of pages by their ids. A page that is not heard for 30 s is
 * removed. The server does not send the states of the others to a new page. */
export interface Awareness {
  readonly clientID: number;
  getStates(): ReadonlyMap<number, Readonly<Record<string, unknown>>>;
  getLocalState(): Record<string, unknown> | null;
  setLocalState(state: Record<string, unknown> | null): void;
  setLocalStateField(field: string, value: unknown): void;
  on(event: "change", listener: ChangeListener): void;
  off(event: "change", listener: ChangeListener): void;
}

export class Room {
  /** Who was there when `changed` was called last. */
  #last = "";
  #hasJoined = false;
  readonly #awareness: Awareness;
  readonly #changed: () => void;
  readonly #window: EventTarget;

  /** `changed` is called when a page came or left, and when another one is the writer. */
  constructor(awareness: Awareness, changed: () => void, window: EventTarget = globalThis) {
    this.#awareness = awareness;
    this.#changed = changed;
    this.#window = window;
    awareness.on("change", this.#onChange);
    this.#window.addEventListener("pagehide", this.#onHide);
    this.#window.addEventListener("pageshow", this.#onShow);
  }

  /** This page's id in the room. A page that is loaded again has another one. */
  get self(): number {
    return this.#awareness.clientID;
  }

  /** The page that writes: of those that can, the one with the lowest id; null without any. */
  get writer(): number | null {
    const able = [...this.#awareness.getStates()].filter(([, state]) => state[FIELD] === WRITES);
    return able.length > 0 ? Math.min(...able.map(([page]) => page)) : null;
  }

  has(page: number): boolean {
    const state = this.#awareness.getStates().get(page);
    return state !== undefined && state[FIELD] !== LEFT;
  }

  /** Announce that this page can write. Resolves when the others have had the time to answer. */
  async join(): Promise<void> {
    this.#hasJoined = true;
    this.#awareness.setLocalStateField(FIELD, WRITES);
    await new Promise((resolve) => setTimeout(resolve, ANSWER_TIMEOUT));
  }

  /** Stop listening; the notebook was closed. */
  dispose(): void {
    this.#awareness.off("change", this.#onChange);
    this.#window.removeEventListener("pagehide", this.#onHide);
    this.#window.removeEventListener("pageshow", this.#onShow);
  }

  readonly #onHide = (): void => this.#awareness.setLocalStateField(FIELD, LEFT);

  /** The browser may show a page again that was left. */
  readonly #onShow = (event: Event): void => {
    if (this.#hasJoined && (event as PageTransitionEvent).persisted)
      this.#awareness.setLocalStateField(FIELD, WRITES);
  };

  readonly #onChange: ChangeListener = ({ added }) => {
    // A newcomer does not know this page yet: announce it again.
    const newcomer = added.some((page) => page !== this.self);
    if (newcomer) this.#awareness.setLocalState(this.#awareness.getLocalState());
    const pages = [...this.#awareness.getStates().keys()].filter((page) => this.has(page)).join();
    const now = `${this.writer} of ${pages}`;
    if (now === this.#last) return;
    this.#last = now;
    this.#changed();
  };
}
