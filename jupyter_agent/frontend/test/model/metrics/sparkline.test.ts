import { expect, test } from "vitest";
import { Series } from "../../../src/model/metrics/series.js";
import { SPARK_HEIGHT, SPARK_WIDTH, sparkline } from "../../../src/model/metrics/sparkline.js";

function spots(values: number[]): number[][] {
  const series = new Series();
  values.forEach((y, at) => series.add({ step: at, time: at, y }));
  return sparkline(series)
    .split(" ")
    .map((spot) => spot.split(",").map(Number));
}

test("a sparkline goes from the left to the right, and up where the values do", () => {
  const [first, middle, last] = spots([0, 1, 4]);
  expect([first![0], last![0]]).toEqual([1.5, SPARK_WIDTH - 1.5]);
  expect([first![1], last![1]]).toEqual([SPARK_HEIGHT - 1.5, 1.5]);
  expect(middle![1]).toBeGreaterThan(last![1]! + 5);
});

test("over three powers of ten it is logarithmic, and equal values are in the middle", () => {
  expect(spots([1, 100, 10_000])[1]![1]).toBe(SPARK_HEIGHT / 2);
  expect(spots([7, 7]).map(([, y]) => y)).toEqual([SPARK_HEIGHT / 2, SPARK_HEIGHT / 2]);
  expect(spots([7])).toEqual([[1.5, SPARK_HEIGHT / 2]]);
  expect(spots([1e308, -1e308]).every(([x, y]) => Number.isFinite(x) && Number.isFinite(y))).toBe(true);
});

test("of many values the peaks stay", () => {
  const many = spots(Array.from({ length: 3000 }, (_, at) => (at === 1234 ? 9 : 1)));
  expect(many.length).toBeLessThanOrEqual(2 * SPARK_WIDTH);
  expect(Math.min(...many.map(([, y]) => y!))).toBe(1.5);
});
