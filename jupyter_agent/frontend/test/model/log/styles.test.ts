import { expect, test } from "vitest";
import { draw } from "../../../src/model/log/line.js";
import { classesOf, styledAfter, withStyles } from "../../../src/model/log/styles.js";

test.each([
  ["", "31", "31"],
  ["31", "1", "1;31"],
  ["1;31", "", ""],
  ["1;31", "22;39", ""],
  ["1;2;31;44", "22;49", "31"],
  ["", "38;5;999", "38;5;255"],
  ["", "48;2;1;2;300", "48;2;1;2;255"],
  ["", "38:2::9:8:7", "38;2;9;8;7"],
  ["", "4:3", "4"],
  ["", "38;5", ""],
  ["", "58;5;1", "1"],
  ["31", "999;7;", ""],
])("the style %j and the values %j make %j", (style, values, expected) => {
  expect(styledAfter(style, values)).toBe(expected);
});

test("styles are classes, also those of 16, 256 and all colours", () => {
  expect(classesOf("1;4;31")).toBe("ja-bold ja-underline ja-fg-1");
  expect(classesOf("97;44")).toBe("ja-fg-15 ja-bg-4");
  expect(classesOf("38;5;208;48;5;3")).toBe("ja-fg-208 ja-bg-3");
  expect(classesOf("38;2;255;0;95")).toBe("ja-fg-197");
});

test("the styles of an event count characters, and what makes no sense is plain", () => {
  expect(withStyles("👍ab", [[1, 2, "31"]])).toBe("👍\x1b[31ma\x1b[0mb");
  expect(withStyles("ab", [[0, 1, '"><b']])).toBe("ab");
  expect(
    withStyles("abc", [
      [0, 2, "1"],
      [1, 3, "31"],
    ]),
  ).toBe("\x1b[1mab\x1b[0mc");
});

test("a line is drawn as a terminal would leave it, and its last style goes on", () => {
  expect(draw("10%\r\x1b[32m20%\r\x1b[1mdone\x1b[0m\r", "")).toEqual({
    text: "done",
    runs: [[0, 4, "1;32"]],
    style: "",
  });
  expect(draw("plain", "31")).toEqual({ text: "plain", runs: [[0, 5, "31"]], style: "31" });
  expect(draw("a\x1b[31m\x1b]0;title\x07b", "")).toEqual({ text: "ab", runs: [[1, 2, "31"]], style: "31" });
});
