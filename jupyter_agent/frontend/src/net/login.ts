/** The page's login at its server. The browser renews it silently where it can, as at a JupyterHub whose server was
 * started anew; where it cannot, requests stop until the user has logged in again. */

/** The header of a refusal that a login would change. */
const LOGIN_HEADER = "Jupyter-Agent-Login";

/** What a view says of an expired login, before its link. */
export const LOGGED_OUT = "You are logged out.";

/** Seconds after which a visit that has not loaded is over. */
const VISIT_TIMEOUT = 10;

export class Login {
  /** Whether requests are refused here, without asking the server. */
  isExpired = false;
  /** How often the cookies were renewed. */
  renewals = 0;
  readonly #listeners = new Set<() => void>();
  #renewal: Promise<void> | null = null;

  /** `page`: the address of a page that a browser without a login is led away from, to log in. */
  constructor(
    readonly page: string,
    private readonly visit: (page: string) => Promise<void> = visitPage,
  ) {}

  /** Call `changed` when the login has expired, and when it may be there again. */
  subscribe(changed: () => void): void {
    this.#listeners.add(changed);
  }

  /** Fetch; after a refusal for want of a login renew it, and fetch once more. A second refusal is the last request
   * until `retry`. */
  async fetch(request: () => Promise<Response>): Promise<Response> {
    if (this.isExpired) return loginRefusal();
    const renewals = this.renewals;
    const response = await request();
    if (!wantsLogin(response)) return response;
    if (renewals === this.renewals) await this.#renew();
    const again = await request();
    if (wantsLogin(again)) this.#set(true);
    return again;
  }

  /** Let requests pass again: the user may have logged in, in another tab. */
  retry(): void {
    if (this.isExpired) this.#set(false);
  }

  /** Renew the cookies. Calls during a renewal share it. */
  #renew(): Promise<void> {
    this.#renewal ??= this.visit(this.page).finally(() => {
      this.#renewal = null;
      this.renewals += 1;
      this.#notify();
    });
    return this.#renewal;
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

/** Visit a page as a browser does that navigates to it, out of sight. A hub answers that with its redirects, which set
 * new cookies, also at a host of its own; what a script fetches gets neither the redirects nor, when only the token
 * against forged requests is lost, a new one. The hub forbids to show the page in a frame, which keeps no cookie away. */
async function visitPage(page: string): Promise<void> {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-same-origin"); // no scripts
  frame.hidden = true;
  frame.src = page;
  await new Promise<void>((resolve) => {
    frame.onload = () => resolve();
    setTimeout(resolve, VISIT_TIMEOUT * 1000); // unreachable, or a browser that reports no refused frame
    document.body.append(frame);
  });
  frame.remove();
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

/** Return whether a response is a refusal for want of a login: the server's, or that of a proxy before it, which
 * answers with 401, or with a page of its own where the server would answer with JSON. */
export function wantsLogin({ status, headers }: Response): boolean {
  if (status !== 403) return status === 401;
  return headers.has(LOGIN_HEADER) || (headers.get("Content-Type") ?? "").includes("html");
}

/** Return the refusal that a request for want of a login gets. */
export function loginRefusal(): Response {
  const headers = { "Content-Type": "application/problem+json", [LOGIN_HEADER]: "required" };
  return new Response(JSON.stringify({ status: 403, detail: `${LOGGED_OUT} Log in again.` }), {
    status: 403,
    headers,
  });
}
