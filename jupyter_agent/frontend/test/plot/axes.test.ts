import { expect, it } from "vitest";
import { logRange, logSplits } from "../../src/plot/axes.js";

it.each([
  [0.02, 0.5, [0.01, 1]],
  [0.001, 0.001, [0.001, 0.01]],
  [1e-63, 0.9, [1e-63, 1]],
  [5e-324, 1.7e308, [5e-324, 1e308]],
])("a logarithmic axis of %s to %s ends at powers of ten", (low, high, range) => {
  expect(logRange(low, high)).toEqual(range);
});

it("has the places between few powers of ten", () => {
  expect(logSplits(0.1, 2)).toEqual([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 2]);
});

it.each([1e-30, 1e-63, 5e-324])("has a place for each power of ten from %s to 1, and no more", (low) => {
  const splits = logSplits(low, 1);
  expect(splits.length).toBe(Math.floor(-Math.log10(low)) + 1);
  expect(splits.at(-1)).toBe(1);
});
