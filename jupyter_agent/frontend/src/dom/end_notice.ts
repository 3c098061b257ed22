/** What a view says once it gets nothing more from its server. */

import { html, type TemplateResult } from "lit";
import type { Connection } from "../net/connection.js";
import { LOGGED_OUT, type Login } from "../net/login.js";
import type { Server } from "../net/server.js";

/** Return the notice; its link leads to a page that asks for the login, in another tab. */
function loginNotice(login: Login): TemplateResult {
  return html`${LOGGED_OUT} <a href=${login.page} target="_blank" rel="noopener">Log in again</a>`;
}

/** Return why a view gets nothing more from the server; null while it may. */
export function endNotice(
  { login }: Server,
  { stopped, obstacle }: Connection,
): TemplateResult | string | null {
  if (login.isExpired) return loginNotice(login);
  if (stopped) return `The server closed the connection: ${stopped}. Reload the page to try again.`;
  return obstacle.sentence;
}
