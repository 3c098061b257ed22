/** The parts that most views never need, loaded from the server when one does. */

import type * as PlotModule from "../plot/index.js";
import type * as RichModule from "../rich/index.js";
import type { Server } from "../net/server.js";

const loaded = new Map<string, Promise<unknown>>();

/** Plots. Rejects when the server does not give them. */
export function loadPlot(server: Server): Promise<typeof PlotModule> {
  return load(server, "plot.js") as Promise<typeof PlotModule>;
}

/** Markdown and the cleaning of HTML. Rejects when the server does not give them. */
export function loadRich(server: Server): Promise<typeof RichModule> {
  return load(server, "rich.js") as Promise<typeof RichModule>;
}

function load(server: Server, file: string): Promise<unknown> {
  const address = new URL(`jupyter-agent/static/${file}`, server.base).href;
  const known = loaded.get(address);
  if (known) return known;
  const made = import(/* webpackIgnore: true */ /* @vite-ignore */ address);
  loaded.set(address, made);
  made.catch(() => loaded.delete(address)); // asked again, it may work
  return made;
}
