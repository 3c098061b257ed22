import { expect, test } from "vitest";
import { Search } from "../../src/element/search.js";
import { lines } from "../support/lines.js";

test("a search begins with the newest match, wraps around, and keeps its place while the log grows", () => {
  const search = new Search();
  const log = { ...lines(0, "epoch 1", "other", "Epoch 2") };
  search.setQuery("epoch", log);
  expect([search.count, search.position, search.line]).toEqual([2, 2, 2]);
  search.step(1);
  expect(search.line).toBe(0);
  search.step(-1);
  search.update(lines(-1, "epoch 0", "epoch 1", "other", "Epoch 2", "epoch 3"));
  expect([search.count, search.position, search.line]).toEqual([4, 3, 2]);
  expect(search.marksOf("an Epoch is an epoch")).toEqual([
    [3, 8],
    [15, 20],
  ]);
});
