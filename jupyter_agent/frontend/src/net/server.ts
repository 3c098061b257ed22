/** The page's Jupyter server: its addresses, and requests to it. */

interface PageConfig {
  wsUrl?: string;
  baseUrl?: string;
  token?: string;
}

export interface Server {
  /** The base URL; ends in "/". */
  readonly base: string;
  /** The WebSocket's address, with a token only where the page's cookie does not reach. */
  readonly wsUrl: string;
  /** Fetch a path below `jupyter-agent/`. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/** Return the server that the page's configuration names, in JupyterLab, Notebook 7 and the tasks page; null without a
 * configuration. */
export function pageServer(page: Document = document): Server | null {
  const node = page.getElementById("jupyter-config-data");
  if (!node?.textContent) return null;
  const { wsUrl, baseUrl, token } = JSON.parse(node.textContent) as PageConfig;
  const base = new URL(withSlash(baseUrl || "/"), page.baseURI);
  const ws = new URL("jupyter-agent/ws", new URL(withSlash(wsUrl || baseUrl || "/"), page.baseURI));
  ws.protocol = ws.protocol.replace(/^http/, "ws");
  // The page's own host accepts the page's cookie; a token there would only end up in logs.
  const host = new URL(page.baseURI).host;
  if (token && ws.host !== host) ws.searchParams.set("token", token);
  return serverAt(base.href, ws.href, token && base.host !== host ? token : "");
}

/** Return the server at these addresses; `token` may be empty. */
export function serverAt(base: string, wsUrl: string, token = ""): Server {
  return {
    base,
    wsUrl,
    fetch: (path, init = {}) => {
      const headers = new Headers(init.headers);
      if (token) headers.set("Authorization", `token ${token}`);
      if (init.method && init.method !== "GET") headers.set("X-XSRFToken", cookieValue("_xsrf"));
      return fetch(new URL(`jupyter-agent/${path}`, base), { ...init, headers, credentials: "same-origin" });
    },
  };
}

/** Return the message of an error response, which is a problem detail (RFC 9457). */
export async function errorMessageOf(response: Response): Promise<string> {
  const problem = (await response.json().catch(() => ({}))) as { detail?: string; message?: string };
  return problem.detail || problem.message || `The server answered with status ${response.status}.`;
}

function cookieValue(name: string): string {
  const found = document.cookie.split("; ").find((one) => one.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}

function withSlash(path: string): string {
  return path.endsWith("/") ? path : `${path}/`;
}
