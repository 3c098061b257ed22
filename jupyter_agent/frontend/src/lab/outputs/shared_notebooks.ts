/** The notebooks of this page that other pages edit at the same time. */

import { NotebookActions, type INotebookModel, type NotebookPanel } from "@jupyterlab/notebook";
import { loadModule } from "../../element/lazy_modules.js";
import { Backoff } from "../../net/backoff.js";
import type { Server } from "../../net/server.js";
import { sleep } from "./sleep.js";
import type * as SharedModule from "./shared/index.js";

type SharedNotebook = SharedModule.SharedNotebook;

export class SharedNotebooks {
  readonly #server: Server;
  /** By model: the panels of a notebook share it. */
  readonly #known = new WeakMap<INotebookModel, Promise<SharedNotebook>>();

  constructor(server: Server) {
    this.#server = server;
    NotebookActions.executionScheduled.connect((_, { notebook, cell }) => {
      const known = notebook.model && this.#known.get(notebook.model);
      void known?.then((shared) => shared.setRan(notebook, cell));
    });
  }

  /** Return the shared notebook of a panel whose context is ready; null for a notebook that this page edits alone. */
  of(panel: NotebookPanel | null): Promise<SharedNotebook> | null {
    const model = panel?.context.model;
    if (!panel || !model?.collaborative) return null;
    const known = this.#known.get(model) ?? this.#open(panel);
    this.#known.set(model, known);
    return known;
  }

  async #open({ context }: NotebookPanel): Promise<SharedNotebook> {
    const backoff = new Backoff();
    for (;;) {
      const loaded = (await loadModule(this.#server, "shared.js").catch(() => null)) as
        typeof SharedModule | null;
      if (loaded) return new loaded.SharedNotebook(this.#server, context, Date.now() / 1000);
      await sleep(backoff.next(Math.random()));
    }
  }
}
