/** What this browser keeps for the pages of this server, as JSON. A browser may refuse it: nothing is kept then. */

/** Return what is kept under a name; null: nothing, or what another program or a damage has left there. */
export function readStored(key: string): unknown {
  try {
    return JSON.parse(storage()?.getItem(key) ?? "null");
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Keep a value under a name, unless the browser refuses it or has no room. */
export function writeStored(key: string, value: unknown): void {
  try {
    storage()?.setItem(key, JSON.stringify(value));
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}

/** Return the browser's storage; null where its settings keep this page from it. */
function storage(): Storage | null {
  try {
    return localStorage;
  } catch (error) {
    if (error instanceof DOMException) return null;
    throw error;
  }
}
