import { expect, test } from "vitest";
import { Metrics, MAX_POINTS, Series } from "../../../src/model/metrics/series.js";
import { event } from "../../support/event.js";

test("a series keeps its highest and lowest values in bounded memory", () => {
  const series = new Series();
  for (let step = 0; step < 100_000; step += 1)
    series.add({ step, time: step, y: step === 77_777 ? 50 : step === 33_333 ? -50 : Math.sin(step) });
  expect(series.drawn.length).toBeLessThanOrEqual(MAX_POINTS + 2);
  const values = series.drawn.map((spot) => spot.y);
  expect([Math.min(...values), Math.max(...values)]).toEqual([-50, 50]);
  expect(series.count).toBe(100_000);
  expect(series.drawn.at(-1)!.step).toBeGreaterThan(99_000);
  const steps = series.drawn.map((spot) => spot.step!);
  expect(steps).toEqual([...steps].sort((a, b) => a - b));
  expect([series.lowest!.step, series.highest!.step, series.last!.step]).toEqual([33_333, 77_777, 99_999]);
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
  expect(metrics.series.get("loss")!.drawn).toEqual([{ step: 4, time: 0, y: 7 }]);
});

test("a value without a step has its time, and its series then has no steps", () => {
  const metrics = new Metrics();
  metrics.add(event(1, "metric", { name: "speed", value: 1 }, { time: 100 }));
  metrics.add(event(2, "metric", { name: "speed", value: 2, step: 5 }, { time: 102.5 }));
  const speed = metrics.series.get("speed")!;
  expect(speed.drawn).toEqual([
    { step: null, time: 0, y: 1 },
    { step: 5, time: 2.5, y: 2 },
  ]);
  expect(speed.hasSteps).toBe(false);
});
