import { describe, expect, it } from "vitest";
import cases from "../../../../tests/tracebacks.json";
import { foldedText, frameParts, tracebackBlocks } from "../../src/model/traceback.js";

describe("a traceback", () => {
  it.each(cases)("is in blocks, as Python has it: $text", ({ text, blocks }) => {
    const found = tracebackBlocks(text).map((block) => [
      block.kind,
      block.lines[0],
      block.kind === "library" ? foldedText(block) : "",
    ]);
    expect(found).toEqual(blocks);
  });

  it("says where in a notebook it is, and what was there", () => {
    const [, frame] = tracebackBlocks(cases[0]!.text);
    expect(frameParts(frame!)).toEqual({
      place: { number: 8, line: 6, source: "    frame = read(path)" },
      indent: "  ",
      where: "Cell [8], line 6",
      rest: ", in load",
    });
  });

  it("loses no line", () => {
    for (const { text } of cases)
      expect(tracebackBlocks(text).flatMap(({ lines }) => lines)).toEqual(
        text.replace(/\n$/, "").split("\n"),
      );
  });
});
