import { describe, expect, it, vi } from "vitest";
import type { DirtyState } from "../../../src/lab/outputs/dirty_state.js";
import { ViewRestorer } from "../../../src/lab/outputs/restore.js";
import type { SharedNotebooks } from "../../../src/lab/outputs/shared_notebooks.js";
import type { ChangeListener } from "../../../src/model/task_list_store.js";
import type { Server } from "../../../src/net/server.js";
import type { Snapshot } from "../../../src/net/types.js";
import { task } from "../../support/task.js";

type Changed = () => void;

/** A page with one shared notebook of one cell. */
class Page {
  /** The tasks that the server has. */
  tasks: Snapshot[] = [];
  readonly restored = vi.fn();
  readonly kernelChanged = new Set<Changed>();
  readonly session: { kernel: { id: string } | null } = { kernel: null };
  readonly list = {
    isLoaded: false,
    changed: null as Changed | null,
    report: null as ChangeListener | null,
    subscribe: (changed: Changed) => ((this.list.changed = changed), () => (this.list.changed = null)),
    subscribeToChanges: (report: ChangeListener) => (this.list.report = report),
  };
  readonly #tracker = {
    forEach: (look: (panel: unknown) => void) => look(this.#panel),
    widgetAdded: { connect: () => {} },
  };
  readonly #panel = {
    content: { model: { cells: [{ type: "code", id: "cell" }] } },
    context: { ready: Promise.resolve(), path: "a.ipynb" },
    sessionContext: {
      session: this.session,
      kernelChanged: {
        connect: (changed: Changed) => this.kernelChanged.add(changed),
        disconnect: (changed: Changed) => this.kernelChanged.delete(changed),
      },
    },
  };

  constructor() {
    const server = { fetch: () => Promise.resolve(Response.json({ tasks: this.tasks })) };
    const restore = (tasks: Snapshot[]) => void this.restored(...tasks.map(({ id }) => id));
    const shared = { of: () => Promise.resolve({ restore }) };
    const restorer = new ViewRestorer(
      server as unknown as Server,
      {} as unknown as DirtyState,
      shared as unknown as SharedNotebooks,
    );
    restorer.watch(this.#tracker as never);
    restorer.watchNewTasks(this.list as never, this.#tracker as never);
  }

  queue(id: string): void {
    const queued = task(id, { cell: "cell", kernel: "kernel" });
    this.tasks.push(queued);
    this.list.report!(null, queued);
  }

  setKernel(id: string): void {
    this.session.kernel = { id };
    for (const changed of [...this.kernelChanged]) changed();
  }
}

describe("views of tasks that begin while a page loads", () => {
  it("are restored when the list begins after the notebook's tasks were asked for", async () => {
    const page = new Page();
    page.tasks = [task("before")];
    await vi.waitFor(() => expect(page.restored.mock.calls).toEqual([["before"]]));
    page.tasks.push(task("between"));
    page.list.isLoaded = true;
    page.list.changed!();
    await vi.waitFor(() => expect(page.restored).toHaveBeenLastCalledWith("before", "between"));
    expect(page.list.changed).toBeNull();
  });

  it("are restored when the notebook has its kernel, if that is the task's", async () => {
    const page = new Page();
    await vi.waitFor(() => expect(page.restored).toHaveBeenCalledOnce());
    page.queue("a");
    expect(page.restored).toHaveBeenCalledOnce();
    page.setKernel("kernel");
    await vi.waitFor(() => expect(page.restored).toHaveBeenLastCalledWith("a"));
    expect(page.kernelChanged.size).toBe(0);
  });

  it("are not restored in a copy of the notebook, with a kernel of its own", async () => {
    const page = new Page();
    await vi.waitFor(() => expect(page.restored).toHaveBeenCalledOnce());
    page.queue("a");
    page.setKernel("another");
    await Promise.resolve();
    expect(page.restored).toHaveBeenCalledOnce();
  });
});
