/** Where this page's Jupyter server is, and how to ask it. */

export interface Server {
  /** The address that everything else is below; ends in "/". */
  readonly base: string;
  /** The WebSocket's address, with a token only where the page's cookie does not reach. */
  readonly wsUrl: string;
  /** Ask for a path below `jupyter-agent/`. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/** What the page says of its server, as JupyterLab, Notebook 7 and the tasks page do; null where it does not. */
export function pageServer(page: Document = document): Server | null {
  const node = page.getElementById("jupyter-config-data");
  if (!node?.textContent) return null;
  const { wsUrl, baseUrl, token } = JSON.parse(node.textContent);
  const base = new URL(withSlash(baseUrl || "/"), page.baseURI);
  const ws = new URL("jupyter-agent/ws", new URL(withSlash(wsUrl || baseUrl || "/"), page.baseURI));
  ws.protocol = ws.protocol.replace(/^http/, "ws");
  // The page's own cookie opens its own host; a token there would only end up in logs.
  const foreign = new URL(page.baseURI).host;
  if (token && ws.host !== foreign) ws.searchParams.set("token", token);
  return serverAt(base.href, ws.href, token && base.host !== foreign ? token : "");
}

/** The server at these addresses; `token` may be empty. */
export function serverAt(base: string, wsUrl: string, token = ""): Server {
  return {
    base,
    wsUrl,
    fetch: (path, init = {}) => {
      const headers = new Headers(init.headers);
      if (token) headers.set("Authorization", `token ${token}`);
      if (init.method && init.method !== "GET") headers.set("X-XSRFToken", cookie("_xsrf"));
      return fetch(new URL(`jupyter-agent/${path}`, base), { ...init, headers, credentials: "same-origin" });
    },
  };
}

/** The sentence in a refusal, which is a problem detail (RFC 9457). */
export async function refusalOf(response: Response): Promise<string> {
  const problem = await response.json().catch(() => ({}));
  return problem.detail || problem.message || `The server answered with status ${response.status}.`;
}

function cookie(name: string): string {
  const found = document.cookie.split("; ").find((one) => one.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}

function withSlash(path: string): string {
  return path.endsWith("/") ? path : `${path}/`;
}
