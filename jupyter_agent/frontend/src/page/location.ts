/** The place in the page's address: a view, and the task that is open beside it. */

import type { ListView } from "../list/filters/arrange.js";
import { withoutOthers, withView } from "../list/filters/saved_filters.js";
import { TASKS, VIEWS } from "../screens/views.js";

export interface Place {
  readonly view: string;
  /** What the view's name is followed by, as the ids of `?compare=a,b`; empty for most views. */
  readonly argument: string;
  /** The open task; null: none, the view alone. */
  readonly task: string | null;
}

/** Return the place in the address; a view that is not known is the list of tasks. */
export function placeInAddress(): Place {
  const query = new URLSearchParams(location.search);
  const task = query.get("task") || null;
  const given = VIEWS.find((view) => view.takesArgument && query.get(view.name));
  if (given) return { view: given.name, argument: query.get(given.name)!, task };
  const named = VIEWS.find((view) => !view.takesArgument && view.name === query.get("view"));
  return { view: named?.name ?? TASKS, argument: "", task };
}

/** Return the address of a place on this page. */
export function addressOf({ view, argument, task }: Place): string {
  // The list's search and order stay in the address of every place that shows the list.
  const query = view === TASKS ? withoutOthers(location.search) : new URLSearchParams();
  if (argument) query.set(view, argument);
  else if (view !== TASKS) query.set("view", view);
  if (task !== null) query.set("task", task);
  return query.size > 0 ? `?${query.toString().replaceAll("%2C", ",")}` : "./";
}

/** Set what the list shows, in the current entry of the browser's history. */
export function replaceView(view: ListView): void {
  history.replaceState(history.state, "", withView(location.search, view) || "./");
}

/** Set the address, as a new entry of the browser's history. */
export function pushPlace(place: Place): void {
  const address = addressOf(place);
  if (address !== addressOf(placeInAddress())) history.pushState(null, "", address);
}

/** Remove a token from the address: the session's cookie replaces it, and it would stay in the history and in links. */
export function dropToken(): void {
  const address = new URL(location.href);
  if (!address.searchParams.has("token")) return;
  address.searchParams.delete("token");
  history.replaceState(history.state, "", address);
}
