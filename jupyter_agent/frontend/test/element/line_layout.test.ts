import { expect, test } from "vitest";
import { LineLayout, columnsOf } from "../../src/element/line_layout.js";
import { lines } from "../support/lines.js";

test("a line takes as many rows as its characters need", () => {
  const rows = new LineLayout(10);
  rows.sync(lines(0, "", "x".repeat(10), "x".repeat(11), "漢字漢字漢字"));
  expect([0, 1, 2, 3, 4].map((line) => rows.top(line))).toEqual([0, 1, 2, 4, 6]);
  expect([-5, 0, 1, 3, 4, 99].map((row) => rows.lineAt(row))).toEqual([0, 0, 1, 2, 3, 3]);
  expect([columnsOf("a\tb"), columnsOf("👍")]).toEqual([10, 2]);
});

test("lines that are added, grow, are dropped or prepended have the same rows as in a new layout", () => {
  const steps = [
    lines(0, "a"),
    lines(0, "a".repeat(25), "b"),
    lines(1, "b", "c".repeat(12)),
    lines(-2, "y".repeat(30), "z", "a".repeat(25), "b", "c"),
    lines(3, "q"),
  ];
  const rows = new LineLayout(10);
  for (const step of steps) {
    rows.sync(step);
    const anew = new LineLayout(10);
    anew.sync({ ...step, first: 0, end: step.lines.length });
    const heights = (one: LineLayout, first: number) =>
      step.lines.map((_, at) => one.top(first + at + 1) - one.top(first + at));
    expect(heights(rows, step.first)).toEqual(heights(anew, 0));
    expect(rows.end - rows.start).toBe(anew.end);
  }
});
