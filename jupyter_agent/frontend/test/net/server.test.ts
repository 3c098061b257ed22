import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { pageServer } from "../../src/net/server.js";

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
