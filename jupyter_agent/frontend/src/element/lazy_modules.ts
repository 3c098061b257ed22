/** Modules that few views need, loaded from the server on first use. */

import type * as PlotModule from "../plot/index.js";
import type * as ResourcesModule from "../resources/index.js";
import type * as RichModule from "../rich/index.js";
import type { Server } from "../net/server.js";

const loaded = new Map<string, Promise<unknown>>();

/** Load plots. Rejects when the server does not deliver the module. */
export function loadPlot(server: Server): Promise<typeof PlotModule> {
  return loadModule(server, "plot.js") as Promise<typeof PlotModule>;
}

/** Load the log's element, which is defined then. Rejects when the server does not deliver the module. */
export async function loadLog(server: Server): Promise<void> {
  await loadModule(server, "log.js");
}

/** Load Markdown and the sanitizer. Rejects when the server does not deliver the module. */
export function loadRich(server: Server): Promise<typeof RichModule> {
  return loadModule(server, "rich.js") as Promise<typeof RichModule>;
}

/** Load the line about what a task uses. Rejects when the server does not deliver the module. */
export function loadResources(server: Server): Promise<typeof ResourcesModule> {
  return loadModule(server, "resources.js") as Promise<typeof ResourcesModule>;
}

/** Load one of the server's modules. Rejects when the server does not deliver it. */
export function loadModule(server: Server, file: string): Promise<unknown> {
  const address = new URL(`jupyter-agent/static/${file}`, server.base).href;
  const known = loaded.get(address);
  if (known) return known;
  const made = import(/* webpackIgnore: true */ /* @vite-ignore */ address);
  loaded.set(address, made);
  made.catch(() => loaded.delete(address)); // the next call tries again
  return made;
}
