/** The actions of a list that are under way, and the refusals of those that were not accepted. */

export class PendingActions {
  /** The action that is under way, by row. */
  readonly #busy = new Map<string, string>();
  /** Why the last action was refused, by row. */
  readonly #refused = new Map<string, string>();

  readonly #changed: () => void;

  /** `changed` is called when the list has to be drawn again. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Return the action that is under way in a row; empty without one. */
  busy(row: string): string {
    return this.#busy.get(row) ?? "";
  }

  /** Return why the last action in a row was refused; empty when it was not. */
  refusal(row: string): string {
    return this.#refused.get(row) ?? "";
  }

  clearRefusal(row: string): void {
    this.#refused.delete(row);
  }

  /** Run an action, unless one is under way in this row. `job` resolves with null, or with the reason for a refusal. */
  async run(row: string, action: string, job: () => Promise<string | null>): Promise<void> {
    if (this.#busy.has(row)) return;
    this.#busy.set(row, action);
    this.#refused.delete(row);
    this.#changed();
    const refusal = await job();
    this.#busy.delete(row);
    if (refusal !== null) this.#refused.set(row, refusal);
    this.#changed();
  }
}
