import { expect, test } from "vitest";
import { Metrics, MAX_POINTS, Series } from "../../src/model/series.js";
import { event } from "../support/event.js";

test("a series keeps its highest and lowest values in bounded memory", () => {
  const series = new Series();
  for (let x = 0; x < 100_000; x += 1)
    series.add({ x, y: x === 77_777 ? 50 : x === 33_333 ? -50 : Math.sin(x) });
  expect(series.drawn.length).toBeLessThanOrEqual(MAX_POINTS + 2);
  const values = series.drawn.map((spot) => spot.y);
  expect([Math.min(...values), Math.max(...values)]).toEqual([-50, 50]);
  expect(series.count).toBe(100_000);
  expect(series.drawn.at(-1)!.x).toBeGreaterThan(99_000);
  const xs = series.drawn.map((spot) => spot.x);
  expect(xs).toEqual([...xs].sort((a, b) => a - b));
});

test("metrics of a previous attempt are dropped, late ones ignored", () => {
  const metrics = new Metrics();
  const metric = (offset: number, value: number, attempt: number) =>
    event(offset, "metric", { name: "loss", value, step: offset }, { attempt });
  metrics.add(metric(1, 9, 1));
  metrics.add(event(2, "state", { state: "queued" }, { attempt: 2 }));
  metrics.add(metric(3, 8, 1));
  metrics.add(metric(4, 7, 2));
  metrics.add(metric(4, 7, 2));
  expect(metrics.series.get("loss")!.drawn).toEqual([{ x: 4, y: 7 }]);
});
