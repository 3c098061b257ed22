/** One connection to a server for the whole page. */

import { Connection } from "./connection.js";
import { VERSION } from "./protocol.js";
import type { Server } from "./server.js";

/** The page's connection to a server, made when first asked for. Every copy of this module on the page
 * (each widget has one) finds the same. One that the server sent away for good is made anew. */
export function sharedConnection(server: Server): Connection {
  const connections = registry();
  const known = connections.get(server.wsUrl);
  if (known && known.stopped === null) return known;
  const made = new Connection(server.wsUrl);
  connections.set(server.wsUrl, made);
  if (!known) wakeUp(server.wsUrl, connections);
  return made;
}

function registry(): Map<string, Connection> {
  const name = Symbol.for(`jupyter_agent.connections.v${VERSION}`);
  const page = window as unknown as Record<symbol, Map<string, Connection>>;
  return (page[name] ??= new Map());
}

/** A page that is looked at again, or has a network again, finds out at once what it missed. */
function wakeUp(url: string, connections: Map<string, Connection>): void {
  const check = () => document.visibilityState === "visible" && connections.get(url)?.check();
  document.addEventListener("visibilitychange", check);
  window.addEventListener("online", check);
}
