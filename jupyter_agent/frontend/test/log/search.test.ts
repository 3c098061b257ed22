import { expect, test } from "vitest";
import type { EarlierSearch } from "../../src/log/pages/earlier_search.js";
import { Finder, type Extent } from "../../src/log/finder.js";
import { lines } from "../support/lines.js";

const extent = (more: Partial<Extent> = {}): Extent => ({
  lines: 5,
  events: 10,
  oldest: 100,
  loaded: 4,
  ...more,
});
const found = (...offsets: number[]) => offsets.map((offset) => ({ offset, number: offset, text: "epoch" }));
const searching = (more: object) =>
  ({
    matches: [],
    looked: 0,
    isDone: false,
    isCut: false,
    error: "",
    stop() {},
    ...more,
  }) as unknown as EarlierSearch;

test("a search begins with the newest match, wraps around, and keeps its place while the log grows", () => {
  const finder = new Finder();
  finder.setQuery("epoch", lines(0, "epoch 1", "other", "Epoch 2"));
  expect([finder.status(extent({ loaded: 10 })), finder.place]).toEqual(["2 of 2 in 5 lines", { line: 2 }]);
  finder.step(1);
  expect(finder.place).toEqual({ line: 0 });
  finder.step(-1);
  finder.update(lines(-1, "epoch 0", "epoch 1", "other", "Epoch 2", "epoch 3"));
  expect([finder.status(extent({ lines: 1, loaded: 10 })), finder.place]).toEqual([
    "3 of 4 in 1 line",
    { line: 2 },
  ]);
  expect(finder.loaded.marksOf("an Epoch is an epoch")).toEqual([
    [3, 8],
    [15, 20],
  ]);
});

test("a search says how far it has looked, and counts what is found before the loaded lines", () => {
  const finder = new Finder();
  finder.setQuery("epoch", lines(0, "epoch 8", "epoch 9"));
  const search = searching({ looked: 0 });
  finder.searchEarlier(search);
  expect(finder.status(extent())).toBe("2 so far, searched 40%…");
  Object.assign(search, { matches: found(90, 80, 70), looked: 6, isDone: true });
  expect(finder.status(extent({ lines: 120_000 }))).toBe("5 of 5 in 120,000 lines");
  finder.step(-1);
  finder.step(-1);
  expect([finder.status(extent()), finder.place]).toEqual(["3 of 5 in 5 lines", { match: found(90)[0] }]);
});

test("what was not searched is not said to be", () => {
  const finder = new Finder();
  finder.setQuery("epoch", lines(0, "epoch 9"));
  expect(finder.status(extent())).toBe("1 of 1 in the lines that are loaded");
  expect(finder.status(extent({ lines: null }))).toBe("1 of 1");
});

test("what was found earlier and is loaded now is counted once", () => {
  const finder = new Finder();
  finder.setQuery("epoch", lines(0, "epoch 9"));
  finder.searchEarlier(searching({ matches: found(90, 80), isDone: true }));
  finder.update(lines(-1, "epoch 90", "epoch 9"));
  expect(finder.status(extent({ oldest: 90 }))).toBe("3 of 3 in 5 lines");
});

test("an error and a list that was cut are said", () => {
  const finder = new Finder();
  finder.setQuery("epoch", lines(0, "other"));
  expect(finder.status(extent({ loaded: 10 }))).toBe("none in 5 lines");
  finder.searchEarlier(searching({ isDone: true, error: "The server is busy." }));
  expect(finder.status(extent())).toBe("none; The server is busy.");
  finder.searchEarlier(searching({ matches: found(90), isDone: true, isCut: true }));
  expect(finder.status(extent())).toBe("1 of 1, and older ones");
});
