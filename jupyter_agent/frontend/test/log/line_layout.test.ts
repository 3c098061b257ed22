import { expect, test } from "vitest";
import { LineLayout, columnsOf } from "../../src/log/line_layout.js";
import { line, lines } from "../support/lines.js";

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

test("what is folded has no rows, headings have one unless they are pressed with a finger, and lines that are not wrapped have one", () => {
  const at = (attempt: number, section: string | null) => ({
    source: { offset: 1, time: 0, attempt, level: null, logger: null, section },
  });
  const log = {
    ...lines(0, "", "", "", "", ""),
    lines: [
      line("Attempt 1", { kind: "attempt", ...at(1, null) }),
      line("x".repeat(25), at(1, null)),
      line("cell 2", { kind: "section", ...at(1, "cell 2") }),
      line("x".repeat(25), at(1, "cell 2")),
      line("Attempt 2", { kind: "attempt", ...at(2, null) }),
    ],
  };
  const tops = (columns: number, folded: string[], headingRows?: number) => {
    const layout = new LineLayout(columns, new Set(folded), headingRows);
    layout.sync(log);
    return [0, 1, 2, 3, 4, 5].map((index) => layout.top(index));
  };
  expect(tops(10, [])).toEqual([0, 1, 4, 5, 8, 9]);
  expect(tops(10, ["1 cell 2"])).toEqual([0, 1, 4, 5, 5, 6]);
  expect(tops(10, ["1"])).toEqual([0, 1, 1, 1, 1, 2]);
  expect(tops(Infinity, [])).toEqual([0, 1, 2, 3, 4, 5]);
  expect(tops(10, ["1 cell 2"], 3)).toEqual([0, 3, 6, 9, 9, 12]);
});
