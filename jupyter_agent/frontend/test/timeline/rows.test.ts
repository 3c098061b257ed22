import { describe, expect, it } from "vitest";
import { barText } from "../../src/timeline/bars.js";
import { rowsOf } from "../../src/timeline/rows.js";
import { attemptsOf, partsOf } from "../../src/timeline/spans.js";
import { between, marksOf, windowOf } from "../../src/timeline/window.js";
import type { Snapshot, TaskEvent } from "../../src/net/types.js";
import { task } from "../support/task.js";

const WINDOW = { from: 1000, to: 2000 };

function ran(
  id: string,
  queued: number,
  started: number | null,
  ended: number | null,
  more: object = {},
): Snapshot {
  const state = started === null ? "queued" : ended === null ? "running" : "completed";
  return { ...task(id), state, queued, started, ended, ...more };
}

function state(attempt: number, time: number, name: string): TaskEvent {
  return { type: "state", attempt, time, data: { state: name } } as unknown as TaskEvent;
}

describe("the parts of a bar", () => {
  it("are the wait and the run, up to now", () => {
    expect(partsOf(ran("a", 1100, 1200, null), [], 1500)).toEqual([
      { state: "queued", attempt: 1, from: 1100, to: 1200 },
      { state: "running", attempt: 1, from: 1200, to: 1500 },
    ]);
    expect(partsOf(ran("a", 1100, null, null), [], 1500)).toEqual([
      { state: "queued", attempt: 1, from: 1100, to: 1500 },
    ]);
    expect(partsOf(ran("a", 1100, 1100, 1300), [], 1500)).toHaveLength(1);
  });

  it("of a task that never ran are its wait and its end", () => {
    const cancelled = ran("a", 1100, null, 1300, { state: "cancelled" });
    expect(partsOf(cancelled, [], 1500).map((part) => [part.state, part.from, part.to])).toEqual([
      ["queued", 1100, 1300],
      ["cancelled", 1300, 1300],
    ]);
  });

  it("are split by attempts, each with how it ended", () => {
    const events = [
      state(1, 1000, "queued"),
      state(1, 1010, "running"),
      state(1, 1050, "interrupted"),
      state(1, 1060, "running"),
      state(1, 1100, "failed"),
      state(2, 1200, "queued"),
    ];
    const earlier = attemptsOf(events);
    expect(earlier[0]).toEqual({ attempt: 1, state: "failed", queued: 1000, started: 1010, ended: 1100 });
    const parts = partsOf(ran("a", 1200, 1210, null, { attempt: 2 }), earlier, 1300);
    expect(parts.map((part) => [part.attempt, part.state])).toEqual([
      [1, "queued"],
      [1, "failed"],
      [2, "queued"],
      [2, "running"],
    ]);
  });
});

describe("the rows", () => {
  const none = new Map();

  it("are notebooks, the one that began last first, without what lies outside of the time", () => {
    const tasks = [
      ran("a", 1100, 1100, 1200, { notebook: "/x/one.ipynb" }),
      ran("b", 1300, 1300, 1400, { notebook: "/x/two.ipynb" }),
      ran("c", 100, 100, 999, { notebook: "/x/old.ipynb" }),
      ran("d", 900, 900, null, { notebook: null }),
    ];
    const rows = rowsOf(tasks, none, "notebook", WINDOW, 1500);
    expect(rows.map(({ label }) => label)).toEqual(["two.ipynb", "one.ipynb", "No notebook"]);
  });

  it("are processes, schedules or names when that is chosen", () => {
    const tasks = [
      ran("a", 1100, 1100, 1200, { host: "h", pid: 7, name: "fit" }),
      ran("b", 1100, 1100, 1200, { host: "h", pid: 8, name: "fit", schedule: "s" }),
    ];
    const labels = (by: "process" | "schedule" | "name") =>
      rowsOf(tasks, none, by, WINDOW, 1500).map(({ label }) => label);
    expect(labels("process").sort()).toEqual(["process 7 on h", "process 8 on h"]);
    expect(labels("schedule").sort()).toEqual(["Not scheduled", "fit"]);
    expect(labels("name")).toEqual(["fit"]);
  });

  it("have a line for each bar at a time, and no more than ten", () => {
    const after = rowsOf(
      [ran("a", 1100, 1100, 1200), ran("b", 1200, 1200, 1300)],
      none,
      "name",
      WINDOW,
      1500,
    );
    expect(after.map(({ lines }) => lines)).toEqual([1]);
    const many = Array.from({ length: 200 }, (_, at) => ran(`t${at}`, 1100, 1100 + at, null));
    expect(rowsOf(many, none, "name", WINDOW, 1500)[0]!.lines).toBe(10);
  });
});

describe("the time that is shown", () => {
  it("moves on with the time, a little ahead of it", () => {
    expect(windowOf(1000, null, 5000)).toEqual({ from: 4040, to: 5040 });
    expect(windowOf(1000, 3000, 5000)).toEqual({ from: 2000, to: 3000 });
  });

  it("has its marks at whole hours and minutes of local time", () => {
    expect(marksOf({ from: 10, to: 3610 }, 6, 0)).toEqual([900, 1800, 2700, 3600]);
    expect(marksOf({ from: 0, to: 4 * 86400 }, 6, 3600)).toEqual([82800, 169200, 255600, 342000]);
    expect(marksOf({ from: 0, to: 400 * 86400 }, 6, 0).length).toBeLessThanOrEqual(7);
  });

  it("bounds what is chosen", () => {
    expect(between(2500, 1500, WINDOW)).toEqual({ from: 1500, to: 2000 });
  });
});

it("says what a bar is, with what and for how long", () => {
  const text = barText(ran("a", 1100, 1160, 1250, { name: "fit", params: { lr: "0.1" }, attempt: 2 }));
  expect(text).toMatch(/^fit, completed, attempt 2, lr=0.1, started .*, waited 1m 00s, took 1m 30s$/);
});
