import { describe, expect, it } from "vitest";
import { overwritten, StreamText } from "../../../../src/lab/outputs/printed/stream_text.js";
import { parseRanges, restoredText } from "../../../../src/lab/outputs/printed/saved_ranges.js";
import { TASK_MIME } from "../../../../src/lab/outputs/mime.js";

/** The text of an output to which these tasks (null: the cell) have printed. */
function printed(...pieces: [string | null, string][]): StreamText {
  const text = new StreamText();
  let raw = "";
  for (const [task, one] of pieces) {
    raw += one;
    text.add({ task, late: false, text: one }, overwritten(raw));
  }
  return text;
}

const ofA = ({ task }: { task: string | null }) => task === "a";

describe("the text of a stream output", () => {
  it("is shown without what a view shows, and whole without a view", () => {
    const text = printed([null, "one\n"], ["a", "two\n"], ["b", "three\n"], [null, "four\n"]);
    expect(text.visible(ofA)).toBe("one\nthree\nfour\n");
    expect(text.visible(() => false)).toBe("one\ntwo\nthree\nfour\n");
  });

  it("is empty when all of it is the task's, whatever its bars have overwritten", () => {
    const text = printed(["a", "\r10%"], ["a", "\r20%"], ["a", "\n"]);
    expect(text.visible(ofA)).toBe("");
    expect(text.whole).toBe("20%\n");
    expect(text.rangesOf("a")).toEqual([[0, 4]]);
  });

  it("has the carriage returns of what is left applied", () => {
    expect(printed([null, "\r10%"], ["a", "x"], [null, "\r9"]).visible(ofA)).toBe("90%");
    expect(overwritten("abc\b\bX\rY\nline\r\n")).toBe("YX\nline\n");
  });

  it("knows no ranges where carriage returns mix the text of two", () => {
    expect(printed([null, "one "], ["a", "\rtwo"]).rangesOf("a")).toBeNull();
  });

  it("takes no more room for a bar that is drawn again", () => {
    const text = new StreamText();
    for (let n = 0; n < 1000; n++) text.add({ task: null, late: false, text: `\r${n}%` }, `${n}%`);
    text.add({ task: "a", late: false, text: "!" }, "999%!");
    expect(text.visible(ofA)).toBe("999%");
  });
});

describe("who printed what, in a file", () => {
  const output = { stream: "stdout", at: 0, text: "one\ntwo\nthree\n" };
  const saved = (printed: unknown) => parseRanges({ [TASK_MIME]: { task_id: "a", printed } });
  const entry = { stream: "stdout", at: 0, length: 14, ranges: [[4, 8]] };

  it("is restored", () => {
    const text = restoredText(output, new Map([["a", saved([entry])]]));
    expect(text?.visible(ofA)).toBe("one\nthree\n");
    expect(text?.rangesOf("a")).toEqual([[4, 8]]);
  });

  it.each([{ at: 1 }, { stream: "stderr" }, { length: 13 }])("is not that of another output: %o", (other) => {
    expect(restoredText(output, new Map([["a", saved([{ ...entry, ...other }])]]))).toBeNull();
  });

  it.each([null, "x", [1], [{ ...entry, ranges: [[1]] }], [{ ...entry, at: "0" }], [null]])(
    "is not read from %o",
    (value) => expect(saved(value)).toEqual([]),
  );
});
