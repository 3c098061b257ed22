/** The selected tasks of a list, by id. */

export class Selection {
  readonly #ids = new Set<string>();
  /** The task from which a range begins: the last one that was selected alone. */
  #anchor = "";
  readonly #changed: () => void;

  /** `changed` is called when the list has to be drawn again. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get size(): number {
    return this.#ids.size;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  toggle(id: string): void {
    if (!this.#ids.delete(id)) this.#ids.add(id);
    this.#anchor = id;
    this.#changed();
  }

  /** Select what lies between the anchor and `id` in `order`, both included; without an anchor there only `id`. */
  extend(id: string, order: readonly string[]): void {
    const [from, to] = [order.indexOf(this.#anchor), order.indexOf(id)];
    const range = from < 0 || to < 0 ? [id] : order.slice(Math.min(from, to), Math.max(from, to) + 1);
    for (const one of range) this.#ids.add(one);
    if (from < 0) this.#anchor = id;
    this.#changed();
  }

  add(ids: Iterable<string>): void {
    for (const id of ids) this.#ids.add(id);
    this.#changed();
  }

  /** Select these, or, if all of them are, none of them. */
  toggleAll(ids: readonly string[]): void {
    const all = ids.every((id) => this.#ids.has(id));
    for (const id of ids) {
      if (all) this.#ids.delete(id);
      else this.#ids.add(id);
    }
    this.#changed();
  }

  clear(): void {
    if (this.size === 0) return;
    this.#ids.clear();
    this.#anchor = "";
    this.#changed();
  }

  /** Deselect the tasks that are not in the list any more. Calls nothing: it is part of a drawing. */
  keepOnly(known: ReadonlySet<string>): void {
    for (const id of this.#ids) if (!known.has(id)) this.#ids.delete(id);
  }
}
