/** What the user may do on a server, so that no button is shown that would only be refused. */

import type { Server } from "./server.js";
import type { Right } from "./types.js";

export type Rights = ReadonlySet<Right>;

export const ALL_RIGHTS: Rights = new Set(["read", "write", "execute"]);

/** Return the user's rights; all where the server does not say, as older ones: it refuses what is not allowed anyway. */
export async function fetchRights(server: Server): Promise<Rights> {
  const response = await server.fetch("health").catch(() => null);
  return response?.ok ? rightsOf((await response.json()) as { rights?: Right[] }) : ALL_RIGHTS;
}

/** Return the rights in an answer of `health` or in a `welcome`. */
export function rightsOf({ rights }: { rights?: readonly Right[] }): Rights {
  return rights ? new Set(rights) : ALL_RIGHTS;
}
