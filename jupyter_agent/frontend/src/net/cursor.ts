/** Cursors: `"<epoch>:<offset>"`. */

/** Return the offset of a cursor; -1 without one. */
export function offsetOf(cursor: string | null | undefined): number {
  return cursor ? Number(cursor.slice(cursor.lastIndexOf(":") + 1)) : -1;
}

/** Return the epoch of a cursor; empty without one. */
export function epochOf(cursor: string | null | undefined): string {
  return cursor ? cursor.slice(0, cursor.lastIndexOf(":")) : "";
}

/** Return whether `cursor` comes after `than` in the same journal; null comes before every cursor. */
export function isLater(cursor: string, than: string | null): boolean {
  if (than === null) return true;
  return epochOf(cursor) === epochOf(than) && offsetOf(cursor) > offsetOf(than);
}
