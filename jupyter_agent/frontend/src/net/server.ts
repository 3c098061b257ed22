/** The page's Jupyter server: its addresses, and requests to it. */

import { type Login, loginAt, loginRefusal, wantsLogin } from "./login.js";

interface PageConfig {
  wsUrl?: string;
  baseUrl?: string;
  token?: string;
  hasLab?: boolean;
}

export interface Server {
  /** The base URL; ends in "/". */
  readonly base: string;
  /** The WebSocket's address, with a token only where the page's cookie does not reach. */
  readonly wsUrl: string;
  readonly login: Login;
  /** Whether the page knows that the server has JupyterLab. */
  readonly hasLab?: boolean;
  /** Fetch a path below `jupyter-agent/`. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/** Return the server that the page's configuration names, in JupyterLab, Notebook 7, nbclassic and the tasks page; null
 * without a configuration. */
export function pageServer(page: Document = document): Server | null {
  const config = jsonConfig(page) ?? classicConfig(page);
  if (!config) return null;
  const { wsUrl, baseUrl, token, hasLab = false } = config;
  const base = new URL(withSlash(baseUrl || "/"), page.baseURI);
  const ws = new URL("jupyter-agent/ws", new URL(withSlash(wsUrl || baseUrl || "/"), page.baseURI));
  ws.protocol = ws.protocol.replace(/^http/, "ws");
  // The page's own host accepts the page's cookie; a token there would only end up in logs.
  const host = new URL(page.baseURI).host;
  if (token && ws.host !== host) ws.searchParams.set("token", token);
  return { ...serverAt(base.href, ws.href, token && base.host !== host ? token : ""), hasLab };
}

function jsonConfig(page: Document): PageConfig | null {
  const text = page.getElementById("jupyter-config-data")?.textContent;
  return text ? (JSON.parse(text) as PageConfig) : null;
}

/** Return the configuration of a page of nbclassic, which is in percent-encoded attributes of its body. */
function classicConfig(page: Document): PageConfig | null {
  const { baseUrl, wsUrl, jupyterApiToken } = page.body.dataset;
  if (baseUrl === undefined) return null;
  const decoded = (text = "") => decodeURIComponent(text);
  return { baseUrl: decoded(baseUrl), wsUrl: decoded(wsUrl), token: decoded(jupyterApiToken) };
}

/** Return the server at these addresses; `token` may be empty. */
export function serverAt(base: string, wsUrl: string, token = ""): Server {
  const login = loginAt(base);
  const request = async (path: string, init: RequestInit) => {
    const headers = new Headers(init.headers);
    if (token) headers.set("Authorization", `token ${token}`);
    // Read anew for each request, reads included: a JupyterHub accepts its cookie only with this token beside it.
    else headers.set("X-XSRFToken", forgeryToken(login));
    const more: RequestInit = { ...init, headers, credentials: "same-origin", redirect: "manual" };
    const target = new URL(`jupyter-agent/${path}`, base);
    const response = await fetch(target, more);
    return response.type === "opaqueredirect" ? redirected(target) : response;
  };
  return { base, wsUrl, login, fetch: (path, init = {}) => login.fetch(() => request(path, init)) };
}

/** Return the answer in place of a redirect. No server answers with one, but a proxy that wants a login of its own, or
 * that of a hub whose server is down. Which of them it is shows where the redirect leads. */
async function redirected(target: URL): Promise<Response> {
  const page = await fetch(target).catch(() => null);
  // What is at another host cannot be read. A hub may have a host of its own, and then only the path tells that it is one.
  const isLogin = page ? page.ok && !isHubPage(page.url) : !target.pathname.includes("/user/");
  if (isLogin) return loginRefusal();
  return new Response(JSON.stringify({ detail: "The server is not running." }), { status: 503 });
}

/** Return whether a page is one of a hub that asks for no login, as while a server starts. */
function isHubPage(url: string): boolean {
  return /\/hub\/(?!.*login)/.test(url);
}

/** Return the address of a task on the server's tasks page. */
export function taskAddress({ base }: Pick<Server, "base">, task: string): string {
  return new URL(`jupyter-agent/?task=${encodeURIComponent(task)}`, base).href;
}

/** Return whether another request may have another answer: the server fails, does not run (its hub says 424), or wants
 * a login. */
export function isTemporary(response: Response): boolean {
  return response.status >= 500 || response.status === 424 || wantsLogin(response);
}

/** Return the message of an error response, which is a problem detail (RFC 9457). */
export async function errorMessageOf(response: Response): Promise<string> {
  const problem = (await response.json().catch(() => ({}))) as { detail?: string; message?: string };
  return problem.detail || problem.message || `The server answered with status ${response.status}.`;
}

/** As of a proxy that shows its own login page. */
const UNREADABLE = "The answer is not one of this server’s; reload the page, you may have to log in.";

/** Fetch JSON. Resolves with it, or with the sentence why there is none; `unreachable`: what to say without any answer. */
export async function fetchJson<T extends object>(
  server: Server,
  path: string,
  unreachable: string,
  init: RequestInit = {},
): Promise<T | string> {
  const response = await server.fetch(path, init).catch(() => null);
  if (!response) return unreachable;
  if (!response.ok) return errorMessageOf(response);
  return (response.json() as Promise<T>).catch(() => UNREADABLE);
}

/** Return the token against forged requests. Where servers at other paths of this host have set theirs, too, only the
 * server knows which one it takes: after a refusal it is another one's turn. */
function forgeryToken(login: Login): string {
  const name = "_xsrf=";
  const tokens = document.cookie.split("; ").filter((one) => one.startsWith(name));
  return tokens[login.renewals % tokens.length]?.slice(name.length) ?? "";
}

function withSlash(path: string): string {
  return path.endsWith("/") ? path : `${path}/`;
}
