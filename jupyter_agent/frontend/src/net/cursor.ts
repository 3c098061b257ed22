/** Cursors are `"<epoch>:<offset>"`. */

/** The offset in a cursor; -1 for none. */
export function offsetOf(cursor: string | null | undefined): number {
  return cursor ? Number(cursor.slice(cursor.lastIndexOf(":") + 1)) : -1;
}

/** The epoch in a cursor; empty for none. */
export function epochOf(cursor: string | null | undefined): string {
  return cursor ? cursor.slice(0, cursor.lastIndexOf(":")) : "";
}

/** Whether `cursor` lies behind `than` in the same journal; nothing known lies before everything. */
export function isLater(cursor: string, than: string | null): boolean {
  if (than === null) return true;
  return epochOf(cursor) === epochOf(than) && offsetOf(cursor) > offsetOf(than);
}
