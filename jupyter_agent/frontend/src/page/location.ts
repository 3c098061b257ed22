/** The task in the page's address. */

/** Return the task in the address; null: none, the list alone. */
export function taskInAddress(): string | null {
  return new URLSearchParams(location.search).get("task") || null;
}

/** Return the address of a task on this page, or of the list alone. */
export function addressOf(task: string | null): string {
  return task === null ? "./" : `?${new URLSearchParams({ task })}`;
}

/** Set the address, as a new entry of the browser's history. */
export function pushTask(task: string | null): void {
  if (task !== taskInAddress()) history.pushState(null, "", addressOf(task));
}

/** Remove a token from the address: the session's cookie replaces it, and it would stay in the history and in links. */
export function dropToken(): void {
  const address = new URL(location.href);
  if (!address.searchParams.has("token")) return;
  address.searchParams.delete("token");
  history.replaceState(history.state, "", address);
}
