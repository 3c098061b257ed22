import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { pageServer, serverAt } from "../../src/net/server.js";

beforeEach(() => void vi.stubGlobal("window", {}));
afterEach(() => void vi.unstubAllGlobals());

function page(config: object | null, dataset: Record<string, string> = {}): Document {
  const node = config && { textContent: JSON.stringify(config) };
  return {
    baseURI: "http://host:8888/x/nbclassic/notebooks/a.ipynb",
    getElementById: (id: string) => (id === "jupyter-config-data" ? node : null),
    body: { dataset },
  } as unknown as Document;
}

test("JupyterLab, Notebook 7 and the tasks page name their server in a script", () => {
  const server = pageServer(page({ baseUrl: "/x/" }, { baseUrl: "/other/" }))!;
  expect([server.base, server.wsUrl]).toEqual(["http://host:8888/x/", "ws://host:8888/x/jupyter-agent/ws"]);
});

test("nbclassic names it in percent-encoded attributes of the body", () => {
  const server = pageServer(page(null, { baseUrl: "/user/a%2540b/", wsUrl: "", jupyterApiToken: "t" }))!;
  expect([server.base, server.wsUrl]).toEqual([
    "http://host:8888/user/a%40b/",
    "ws://host:8888/user/a%40b/jupyter-agent/ws",
  ]);
});

test("any other page has no server", () => {
  expect(pageServer(page(null))).toBeNull();
});

/** What a request gets where a proxy redirects it to a page with this address and status; null: at another host. */
async function behindRedirect(base: string, url: string | null, status = 200): Promise<number> {
  vi.stubGlobal("document", {
    cookie: "",
    createElement: () => ({ setAttribute() {}, remove() {} }),
    body: {},
  });
  const followed = () => (url ? { ok: status < 400, url } : Promise.reject(new TypeError("cross-origin")));
  const fetched = async (_: URL, init?: RequestInit) => (init ? { type: "opaqueredirect" } : followed());
  vi.stubGlobal("fetch", vi.fn(fetched));
  const server = serverAt(base, "ws://host/ws");
  vi.spyOn(server.login, "fetch").mockImplementation((request) => request());
  return (await server.fetch("tasks")).status;
}

test.each([
  ["a login of a proxy", "http://host/a/", "http://host/oauth2/sign_in", 200, 403],
  ["a login at another host", "http://host/b/", null, 0, 403],
  ["the login of a hub", "http://host/user/a/", "http://host/hub/login?next=x", 200, 403],
  ["a hub whose server is down", "http://host/user/b/", "http://host/hub/user/b/x", 424, 503],
  ["a hub whose server starts", "http://host/user/c/", "http://host/hub/spawn-pending/c", 200, 503],
  ["a hub at a host of its own", "http://host/user/d/", null, 0, 503],
])("a redirect to %s", async (_, base, url, status, expected) => {
  expect(await behindRedirect(base, url, status)).toBe(expected);
});
