/** The connections of a page: one for each server. */

import { Connection } from "./connection.js";
import { VERSION } from "./protocol.js";
import type { Login } from "./login.js";
import { findObstacle } from "./obstacle.js";
import type { Server } from "./server.js";

/** Seconds after which a hidden page, on which no task runs, lets go of its socket: the socket's heartbeats would keep
 * the server of a hub alive for ever. */
const HIDDEN_TIMEOUT = 300;

/** Return the page's connection to a server, created on first use. Every copy of this module on the page (each
 * widget has one) finds the same. A connection that the server closed for good is replaced. */
export function sharedConnection(server: Server): Connection {
  const connections = connectionsOfPage();
  const known = connections.get(server.wsUrl);
  if (known?.stopped === null) return known;
  const made = new Connection(server.wsUrl);
  made.onRefused = () => void checkLogin(server, made);
  connections.set(server.wsUrl, made);
  if (!known) follow(server, () => connections.get(server.wsUrl)!);
  return made;
}

function connectionsOfPage(): Map<string, Connection> {
  const name = Symbol.for(`jupyter_agent.connections.v${VERSION}`);
  const page = window as unknown as Record<symbol, Map<string, Connection> | undefined>;
  return (page[name] ??= new Map<string, Connection>());
}

const beingChecked = new WeakSet<Login>();

/** Ask for what needs a login, as the socket cannot say why it was refused. Meanwhile other refusals ask nothing. */
async function checkLogin(server: Server, connection: Connection): Promise<void> {
  const { login } = server;
  if (login.isExpired || beingChecked.has(login)) return;
  beingChecked.add(login);
  const response = await server.fetch("tasks?limit=1").catch(() => null); // unreachable: the connection tries again
  await findObstacle(connection, server, response);
  beingChecked.delete(login);
}

/** Connect when the page and the login allow it: at once when the page becomes visible or online. */
function follow(server: Server, connection: () => Connection): void {
  const { login } = server;
  let timer = 0;
  const onHidden = () => {
    if (connection().hasActiveTasks) timer = window.setTimeout(onHidden, HIDDEN_TIMEOUT * 1000);
    else connection().suspend();
  };
  const onVisibility = () => {
    window.clearTimeout(timer);
    if (document.visibilityState === "hidden") timer = window.setTimeout(onHidden, HIDDEN_TIMEOUT * 1000);
    else if (login.isExpired) login.retry();
    else wake(connection());
  };
  document.addEventListener("visibilitychange", onVisibility);
  window.addEventListener("focus", () => login.retry());
  // A page that could be loaded was logged in, and with it all pages of the browser.
  const loaded = new BroadcastChannel(`jupyter-agent ${server.base}`);
  loaded.onmessage = () => login.retry();
  loaded.postMessage(null);
  window.addEventListener("online", () => document.visibilityState === "visible" && connection().check());
  login.subscribe(() => {
    if (login.isExpired) connection().suspend();
    else if (document.visibilityState === "hidden") connection().check();
    else wake(connection());
  });
  if (document.visibilityState === "hidden") onVisibility();
}

function wake(connection: Connection): void {
  connection.resume();
  connection.check();
}
