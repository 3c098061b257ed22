import { beforeEach, expect, test, vi, type Mock } from "vitest";
import { Selection } from "../../../src/list/selection/selection.js";

const ORDER = ["a", "b", "c", "d", "e"];
let changed: Mock<() => void>;
let selection: Selection;
const selected = () => ORDER.filter((id) => selection.has(id)).join("");

beforeEach(() => {
  changed = vi.fn();
  selection = new Selection(changed);
});

test("a range begins at the last one that was selected alone, in either direction", () => {
  selection.toggle("c");
  selection.extend("e", ORDER);
  expect(selected()).toBe("cde");
  selection.extend("b", ORDER);
  expect(selected()).toBe("bcde");
});

test("a range without a beginning is one task, and begins there", () => {
  selection.extend("b", ORDER);
  selection.extend("d", ORDER);
  expect(selected()).toBe("bcd");
  selection.toggle("a");
  selection.extend("c", ["c", "d"]);
  expect(selected()).toBe("abcd");
});

test("all are selected, and then none", () => {
  selection.toggle("b");
  selection.toggleAll(ORDER);
  expect(selection.size).toBe(5);
  selection.toggleAll(ORDER);
  expect(selection.size).toBe(0);
});

test("what is not in the list any more is not selected", () => {
  selection.add(ORDER);
  selection.keepOnly(new Set(["a", "e", "z"]));
  expect(selected()).toBe("ae");
});

test("clearing what is empty draws nothing", () => {
  selection.clear();
  expect(changed).not.toHaveBeenCalled();
  selection.toggle("a");
  selection.clear();
  expect([changed.mock.calls.length, selection.size]).toEqual([2, 0]);
});
