import { expect, test } from "vitest";
import cases from "../../../../../tests/fold/panels.json";
import {
  bestText,
  betterSide,
  counterpart,
  firstParts,
  nearest,
  ordered,
  panelsOf,
  placeText,
  plottedNames,
  wantsLogarithm,
  xKindOf,
} from "../../../src/model/metrics/panels.js";
import { Metrics, Series } from "../../../src/model/metrics/series.js";
import { smoothed } from "../../../src/model/metrics/smoothing.js";
import { event } from "../../support/event.js";

/** A series of these values; `every`: steps between two; null: none. `pace`: seconds between two. */
function series(values: number[], every: number | null = 1, pace = 1): Series {
  const made = new Series();
  values.forEach((y, at) => made.add({ step: every === null ? null : at * every, time: at * pace, y }));
  return made;
}

test.each(cases.panels)("metrics with the same last part share a panel: %j", (names, panels) => {
  const found = panelsOf(names as string[]).map(({ title, names }) => [title, names]);
  expect(found).toEqual(panels);
});

test.each(cases.better)("of %s, the better values are: %s", (name, side) => {
  expect(betterSide(name!)).toBe(side);
});

test("what distinguishes the metrics of a panel is all but the last part", () => {
  expect(["train/loss", "a/b/loss", "loss", "end/"].map(firstParts)).toEqual(["train", "a/b", "", ""]);
});

test("a metric has a plot once it has a step or a second value", () => {
  const metrics = new Metrics();
  for (const [offset, name] of ["twice", "once", "twice"].entries())
    metrics.add(event(offset, "metric", { name, value: 1 }));
  const known = { once: { value: 1, step: null }, stepped: { value: null, step: 0 } };
  expect(plottedNames(known, metrics)).toEqual(["stepped", "twice"]);
  expect(plottedNames(known, null)).toEqual(["stepped"]);
});

test("a metric beyond those whose points are kept has no plot", () => {
  const metrics = new Metrics();
  for (let n = 0; n < 60; n += 1) metrics.add(event(n, "metric", { name: `m${n}`, value: 1, step: n }));
  expect(plottedNames({ m59: { value: 1, step: 59 } }, metrics)).not.toContain("m59");
  expect(plottedNames({ m59: { value: 1, step: 59 } }, metrics)).toHaveLength(50);
});

test("positive series over three powers of ten are drawn logarithmically", () => {
  expect(wantsLogarithm([series([1, 1000])])).toBe(true);
  expect(wantsLogarithm([series([1, 2]), series([0.001, 1])])).toBe(true);
  expect(wantsLogarithm([series([1, 999])])).toBe(false);
  expect(wantsLogarithm([series([0, 1000])])).toBe(false);
  expect(wantsLogarithm([series([-1, 1000])])).toBe(false);
  expect(wantsLogarithm([])).toBe(false);
});

test("an axis shows steps only where every series has them", () => {
  expect(xKindOf([series([1]), series([1])], "step")).toBe("step");
  expect(xKindOf([series([1]), series([1], null)], "step")).toBe("time");
  expect(xKindOf([series([1])], "time")).toBe("time");
});

test("points are in the order of the axis, and of those at one place the newest counts", () => {
  const made = new Series();
  for (const [time, step] of [3, 1, 2, 1].entries()) made.add({ step, time, y: time * 10 });
  expect(ordered(made, "step").map(({ step, y }) => [step, y])).toEqual([[1, 30], [2, 20], [3, 0]]); // prettier-ignore
  expect(ordered(made, "time")).toBe(made.points);
});

test("the nearest point is found", () => {
  const points = ordered(series([5, 6, 7], 10), "step");
  expect([-5, 4, 5, 6, 14, 99].map((x) => nearest(points, x, "step")!.y)).toEqual([5, 5, 5, 6, 6, 7]);
  expect(nearest([], 1, "step")).toBe(null);
});

test("a point belongs to that of the same step where both count the same, and else to that of the same time", () => {
  const batches = series(Array(100).fill(1) as number[], 1, 1);
  const [epochs, sampled, timed] = [
    series([1, 2, 3, 4], 1, 30),
    series([1, 2, 3, 4], 30, 1),
    series([1, 2], null, 60),
  ];
  const at = batches.points[60]!;
  expect(counterpart(epochs, at, batches)!.step).toBe(2);
  expect(counterpart(sampled, at, batches)!.step).toBe(60);
  expect(counterpart(timed, at, batches)!.time).toBe(60);
});

test("a title says the best value, or both ends where the name does not tell", () => {
  expect(bestText("loss", series([3, 1, 2]))).toBe("best 1 at 1");
  expect(bestText("accuracy", series([0.5, 0.25, 0.75], null))).toBe("best 0.75 after 2.0s");
  expect(bestText("lr", series([3, 1, 2]))).toBe("1 to 3");
  expect(bestText("loss", series([3]))).toBe("");
  expect(bestText("loss", new Series())).toBe("");
  expect([0.123, 75].map((time) => placeText({ step: null, time, y: 0 }))).toEqual([
    "after 0.1s",
    "after 1m 15s",
  ]);
});

test("smoothing follows the values without a pull towards zero, and keeps gaps", () => {
  expect(smoothed([4, 4, null, 4], 0.9)).toEqual(
    [4, 4, null, 4].map((y) => y && (expect.closeTo(y) as unknown)),
  );
  const noisy = smoothed([0, 10, 0, 10, 0, 10], 0.5) as number[];
  expect(Math.max(...noisy)).toBeLessThan(8);
  expect(smoothed([1, 2], 0)).toEqual([1, 2]);
});
