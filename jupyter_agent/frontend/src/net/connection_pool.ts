/** The connections of a page: one for each server. */

import { Connection } from "./connection.js";
import { VERSION } from "./protocol.js";
import type { Server } from "./server.js";

/** Return the page's connection to a server, created on first use. Every copy of this module on the page (each
 * widget has one) finds the same. A connection that the server closed for good is replaced. */
export function sharedConnection(server: Server): Connection {
  const connections = connectionsOfPage();
  const known = connections.get(server.wsUrl);
  if (known?.stopped === null) return known;
  const made = new Connection(server.wsUrl);
  connections.set(server.wsUrl, made);
  if (!known) checkOnWake(server.wsUrl, connections);
  return made;
}

function connectionsOfPage(): Map<string, Connection> {
  const name = Symbol.for(`jupyter_agent.connections.v${VERSION}`);
  const page = window as unknown as Record<symbol, Map<string, Connection> | undefined>;
  return (page[name] ??= new Map<string, Connection>());
}

/** Check the connection at once when the page becomes visible or online. */
function checkOnWake(url: string, connections: Map<string, Connection>): void {
  const check = () => document.visibilityState === "visible" && connections.get(url)?.check();
  document.addEventListener("visibilitychange", check);
  window.addEventListener("online", check);
}
