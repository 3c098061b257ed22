import { describe, expect, it } from "vitest";
import { isStale, lostViews } from "../../../src/lab/outputs/lost_views.js";
import type { Snapshot } from "../../../src/net/types.js";
import { task } from "../../support/task.js";

describe("views that a cell has lost", () => {
  const cell = (fields: object = {}) => ({
    id: "c",
    shown: new Set<string>(),
    runs: new Set<string | null>(),
    saved: 0,
    ...fields,
  });
  const ids = (tasks: Snapshot[]) => tasks.map(({ id }) => id);

  it("are the tasks of its latest run, in the order of their creation", () => {
    const tasks = [task("4", { run: "r2" }), task("3", { run: "r2" }), task("2"), task("1")];
    expect(ids(lostViews(tasks, cell()))).toEqual(["3", "4"]);
  });

  it("are not those of other cells", () => {
    expect(lostViews([task("1", { cell: "d" })], cell())).toEqual([]);
  });

  it("are not those that the cell shows", () => {
    expect(ids(lostViews([task("1"), task("2")], cell({ shown: new Set(["1"]) })))).toEqual(["2"]);
  });

  it("are not those that the run did not show; a run that showed nothing removes earlier ones", () => {
    expect(lostViews([task("2", { run: "r2", view: null }), task("1")], cell())).toEqual([]);
  });

  it("are not those that the saved file could have had", () => {
    expect(lostViews([task("1", { queued: 1000 })], cell({ saved: 1100 }))).toEqual([]);
    expect(ids(lostViews([task("1", { queued: 1000 })], cell({ saved: 999 })))).toEqual(["1"]);
  });

  it("are those of a file that was saved before the output arrived", () => {
    expect(ids(lostViews([task("1", { queued: 1000 })], cell({ saved: 1001 })))).toEqual(["1"]);
  });

  it("are not the older tasks of a retry: the retried one keeps its place", () => {
    const tasks = [task("1", { queued: 3000, attempt: 2 }), task("2", { run: "r2", queued: 2000 })];
    expect(ids(lostViews(tasks, cell()))).toEqual(["2"]);
  });

  it("are one task where the run is unknown", () => {
    expect(ids(lostViews([task("1", { run: null }), task("2", { run: null })], cell()))).toEqual(["2"]);
  });

  it("replace the outputs of a previous run", () => {
    const [lost, saved] = [[task("1", { queued: 1000 })], 900];
    expect(isStale(lost, cell({ saved }))).toBe(true);
    expect(isStale(lost, cell({ saved, runs: new Set(["r0", null]) }))).toBe(true);
    expect(isStale(lost, cell({ saved, runs: new Set(["r1"]) }))).toBe(false);
    expect(isStale(lost, cell({ saved: 1001 }))).toBe(false);
    expect(isStale([task("1", { run: null })], cell({ saved }))).toBe(false);
    expect(isStale([], cell({ saved }))).toBe(false);
  });
});
