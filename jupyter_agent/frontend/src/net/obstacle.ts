/** Why the page gets no socket although its server answers: a proxy in between, or the server itself. */

import { wantsLogin } from "./login.js";
import { type Server, errorMessageOf, fetchJson } from "./server.js";

/** Refused sockets, each followed by such an answer, after which what it says is no passing state: of a server that
 * refuses, as for a moment while it stops; and of one that accepts everything but sockets. */
const REFUSALS = 2;
const ACCEPTANCES = 4;
const NO_SOCKETS =
  "This page reaches its server, but its WebSocket does not. A proxy in between has to pass on WebSockets (the headers Upgrade and Connection)";

export interface Obstacle {
  readonly refusals: number;
  /** Null while there is none. */
  readonly sentence: string | null;
}

export const NO_OBSTACLE: Obstacle = { refusals: 0, sentence: null };

/** Look for the obstacle after a socket was refused. `answer`: the server's to a request since then; null without one. */
export async function findObstacle(
  connection: { readonly live: boolean; obstacle: Obstacle },
  server: Server,
  answer: Response | null,
): Promise<void> {
  const before = connection.obstacle.refusals;
  const reason = answer && !answer.ok ? await reasonIn(answer) : null;
  const refusals = answer?.ok || reason ? before + 1 : 0;
  const sentence = answer?.ok
    ? ((await originRefusal(server)) ?? (refusals >= ACCEPTANCES ? NO_SOCKETS : null))
    : refusals >= REFUSALS
      ? reason
      : null;
  if (!connection.live) connection.obstacle = { refusals, sentence };
}

/** Return why the server refuses: its journal cannot be opened, or the user may not read. Null for a proxy's words. */
async function reasonIn(refusal: Response): Promise<string | null> {
  const isProblem = refusal.headers.get("Content-Type") === "application/problem+json";
  return isProblem && !wantsLogin(refusal) ? errorMessageOf(refusal) : null;
}

/** Ask the server whether it takes this page for one from elsewhere; null if not. */
async function originRefusal(server: Server): Promise<string | null> {
  const path = `health?${new URLSearchParams({ origin: location.origin })}`;
  const health = await fetchJson<{ origin_refusal?: string }>(server, path, "");
  return typeof health === "string" ? null : (health.origin_refusal ?? null);
}
