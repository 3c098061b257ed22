/** Which task the page's address names. */

/** The task in the address; null: none, the list alone. */
export function taskInAddress(): string | null {
  return new URLSearchParams(location.search).get("task") || null;
}

/** The address of a task on this page, or of the list alone. */
export function addressOf(task: string | null): string {
  return task === null ? "./" : `?${new URLSearchParams({ task })}`;
}

/** Go there, so that the browser's back button comes back from there. */
export function goTo(task: string | null): void {
  if (task !== taskInAddress()) history.pushState(null, "", addressOf(task));
}

/** Take a token out of the address: it has done its work, and would be in the history and in every link. */
export function forgetToken(): void {
  const address = new URL(location.href);
  if (!address.searchParams.has("token")) return;
  address.searchParams.delete("token");
  history.replaceState(history.state, "", address);
}
