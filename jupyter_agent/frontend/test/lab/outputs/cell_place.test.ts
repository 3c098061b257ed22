import { describe, expect, it } from "vitest";
import { cellAt, hasLine } from "../../../src/lab/outputs/cell_place.js";

describe("the cell of a traceback's line", () => {
  const cells = [
    { source: "import x", number: 1 },
    { source: "def load():\n    return 1 / 0", number: 8 },
    { source: "def load():\n    return 1 / 0", number: 9 },
  ];

  it.each([
    ["has its number and the line", { number: 9, line: 2, source: "    return 1 / 0" }, 2],
    ["has the line, after it ran again", { number: 3, line: 2, source: "    return 1 / 0" }, 1],
    ["has the number, after it was edited", { number: 1, line: 1, source: "    import y" }, 0],
    ["is gone", { number: 4, line: 7, source: "nothing" }, -1],
  ])("%s", (_, place, index) => expect(cellAt(cells, place)).toBe(index));
});

describe("a notebook has a line", () => {
  const widgets = ["# Title", "x = 1\n    return 1 / 0"].map((source, at) => ({
    model: { type: at ? "code" : "markdown", sharedModel: { getSource: () => source } },
  }));
  const has = (line: number, source: string) =>
    hasLine({ content: { widgets } } as never, { number: 7, line, source });

  it("where a cell of code has it at its place, whatever the cell's number", () => {
    expect(has(2, "  return 1 / 0")).toBe(true);
    expect(has(1, "return 1 / 0")).toBe(false);
  });

  it("not by a heading, an empty line or a number", () => {
    expect(has(1, "# Title")).toBe(false);
    expect(has(3, "")).toBe(false);
  });
});
