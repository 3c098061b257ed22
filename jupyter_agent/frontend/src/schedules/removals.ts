/** Removals that can be undone, as in lists of tasks: they wait some seconds in the page. */

import { DelayedActions, type Named } from "../list/undo/delayed_actions.js";
import { browserEnvironment } from "../net/environment.js";
import { errorMessageOf, type Server } from "../net/server.js";

/** By server and list: a view that is closed and opened again goes on with what waits. */
const shared = new WeakMap<Server, Map<string, DelayedActions<Named>>>();

/** Return the removals from a list of a server, created on first use. */
export function removalsOf(server: Server, list: string): DelayedActions<Named> {
  const ofServer = shared.get(server) ?? new Map<string, DelayedActions<Named>>();
  const removals = ofServer.get(list) ?? new DelayedActions<Named>(browserEnvironment);
  shared.set(server, ofServer.set(list, removals));
  return removals;
}

/** Resolve with null, also where it is gone already, or with why the server refuses. `leaving`: the page goes away. */
export async function removeByRequest(
  server: Server,
  path: string,
  leaving: boolean,
): Promise<string | null> {
  const response = await server.fetch(path, { method: "DELETE", keepalive: leaving }).catch(() => null);
  if (!response) return "The server cannot be reached.";
  return response.ok || response.status === 404 ? null : errorMessageOf(response);
}
