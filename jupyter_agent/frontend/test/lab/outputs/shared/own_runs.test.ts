import type { Cell } from "@jupyterlab/cells";
import type { Notebook } from "@jupyterlab/notebook";
import { Doc } from "yjs";
import { expect, it, vi } from "vitest";
import { TASK_MIME } from "../../../../src/lab/outputs/mime.js";
import { ViewHistory } from "../../../../src/lab/outputs/shared/history.js";
import { OwnRuns } from "../../../../src/lab/outputs/shared/own_runs.js";
import { task } from "../../../support/task.js";

const PAGE = 7;

/** A code cell that shows these tasks. `future`: whether its kernel's outputs come here. */
function cellOf(tasks: string[], future: object | null) {
  const metadata = tasks.map((id) => ({ [TASK_MIME]: { task_id: id, snapshot: task(id) } }));
  const outputs = { length: tasks.length, get: (at: number) => ({ metadata: metadata[at] }) };
  const moved: (() => void)[] = [];
  const disposed = { connect: (slot: () => void) => moved.push(slot) };
  return { model: { id: "c", type: "code", outputs }, outputArea: { future }, disposed, moved };
}

it.each([
  ["another page moves a cell, and its view with it", ["a"], null, null, true],
  ["another page moves a cell, and its view arrived too late", [], null, null, false],
  ["this page moves a cell", ["a"], {}, PAGE, true],
])("%s", async (_, kept, future, runner, shown) => {
  const history = new ViewHistory(new Doc(), 0, () => true);
  const changed = vi.fn();
  const runs = new OwnRuns(history, PAGE, changed);
  const [before, after] = [cellOf(["a"], {}), cellOf(kept, future)];
  runs.add({ widgets: [after] } as unknown as Notebook, before as unknown as Cell);
  runs.setShown(before.model as never);
  for (const slot of before.moved) slot();
  await Promise.resolve();
  expect([history.runnerOf("c"), history.hasShown("a")]).toEqual([runner, shown]);
  expect(changed).toHaveBeenCalledTimes(runner === null ? 1 : 0);
});
