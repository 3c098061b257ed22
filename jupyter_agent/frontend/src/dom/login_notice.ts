/** What a view says when the page's login has expired. */

import { html, type TemplateResult } from "lit";
import { LOGGED_OUT, type Login } from "../net/login.js";

/** Return the notice; its link leads to a page that asks for the login, in another tab. */
export function loginNotice(login: Login): TemplateResult {
  return html`${LOGGED_OUT} <a href=${login.page} target="_blank" rel="noopener">Log in again</a>`;
}
