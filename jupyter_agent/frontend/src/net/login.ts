/** The page's login at its server. The browser renews it silently where it can, as at a JupyterHub whose server was
 * started anew; where it cannot, requests stop until somebody has logged in again. */

/** The header of a refusal that a login would change. */
const LOGIN_HEADER = "Jupyter-Agent-Login";

/** What a view says of an expired login, before its link. */
export const LOGGED_OUT = "You are logged out.";

export class Login {
  /** Whether requests are refused here, without asking the server. */
  isExpired = false;
  readonly #listeners = new Set<() => void>();
  #renewal: Promise<void> | null = null;
  #renewals = 0;

  /** `page`: the address of a page that a browser without a login is led away from, to log in. */
  constructor(readonly page: string) {}

  /** Call `changed` when the login has expired, and when it may be there again. */
  subscribe(changed: () => void): void {
    this.#listeners.add(changed);
  }

  /** Fetch; after a refusal for want of a login renew it, and fetch once more. A second refusal is the last request
   * until `retry`. */
  async fetch(request: () => Promise<Response>): Promise<Response> {
    if (this.isExpired) return refusal();
    const renewals = this.#renewals;
    const response = await request();
    if (!wantsLogin(response)) return response;
    if (renewals === this.#renewals) await this.#renew();
    const again = await request();
    if (wantsLogin(again)) this.#set(true);
    return again;
  }

  /** Let requests pass again: somebody may have logged in, in another tab. */
  retry(): void {
    if (this.isExpired) this.#set(false);
  }

  /** Renew the cookies. Calls during a renewal share it. */
  #renew(): Promise<void> {
    this.#renewal ??= this.#visit().finally(() => (this.#renewal = null));
    return this.#renewal;
  }

  /** Visit a page as an image would be: a hub answers that with its redirects, which set new cookies. It refuses what
   * has the mode "cors", also for the page's own origin. */
  async #visit(): Promise<void> {
    const init: RequestInit = { mode: "no-cors", credentials: "same-origin", cache: "no-store" };
    // Unreachable, or led to another host that the page's policy forbids: the request that follows tells.
    await fetch(this.page, init).catch(() => null);
    this.#renewals += 1;
    this.#notify();
  }

  #set(isExpired: boolean): void {
    if (isExpired === this.isExpired) return;
    this.isExpired = isExpired;
    this.#notify();
  }

  #notify(): void {
    for (const changed of this.#listeners) changed();
  }
}

/** Return the page's login at a server. Every copy of this module on the page finds the same. */
export function loginAt(base: string): Login {
  const name = Symbol.for("jupyter_agent.logins.v1");
  const page = window as unknown as Record<symbol, Map<string, Login> | undefined>;
  const logins = (page[name] ??= new Map<string, Login>());
  const login = logins.get(base) ?? new Login(new URL("jupyter-agent/", base).href);
  logins.set(base, login);
  return login;
}

/** Return whether a response is a refusal for want of a login. */
export function wantsLogin(response: Response): boolean {
  return response.status === 403 && response.headers.has(LOGIN_HEADER);
}

function refusal(): Response {
  const headers = { "Content-Type": "application/problem+json", [LOGIN_HEADER]: "required" };
  return new Response(JSON.stringify({ status: 403, detail: `${LOGGED_OUT} Log in again.` }), {
    status: 403,
    headers,
  });
}
