import { emptyTask } from "../../src/model/reducer.js";
import type { Snapshot } from "../../src/net/types.js";

/** A running task of the cell `c`. */
export const task = (id: string, fields: Partial<Snapshot> = {}): Snapshot => ({
  ...emptyTask(id),
  name: "train",
  state: "running",
  cell: "c",
  run: "r1",
  view: "full",
  queued: 1000,
  started: 1000,
  ...fields,
});
/** Task `a`, completed after a minute. */
export const done = (fields: Partial<Snapshot> = {}) =>
  task("a", { state: "completed", ended: 1060, ...fields });
