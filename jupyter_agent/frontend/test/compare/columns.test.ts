import { expect, it } from "vitest";
import { bestOf, columnsOf, nextOrder, sorted } from "../../src/compare/columns.js";
import type { Run } from "../../src/compare/compare_store.js";
import { Metrics } from "../../src/model/metrics/series.js";
import type { Snapshot } from "../../src/net/types.js";
import { event, snapshot } from "../support/scripted_server.js";

function run(index: number, fields: Partial<Snapshot>, values: number[] = []): Run {
  const metrics = new Metrics();
  for (const [at, value] of values.entries())
    metrics.add(event(at + 1, `t${index}`, "metric", { name: "loss", value, step: at }));
  return { index, task: snapshot(`t${index}`, fields), metrics };
}

const point = (value: number, min: number, max: number) => ({ loss: { value, step: 1, min, max } });
const RUNS = [
  run(0, {
    params: { lr: "0.5", opt: "adam", epochs: "3" },
    metrics: point(2, 1, 9),
    started: 900,
    ended: 960,
  }),
  run(1, { params: { lr: "3e-4", opt: "sgd", epochs: "3" }, metrics: point(1.5, 1.5, 4), started: 950 }),
  run(2, { params: { lr: "0.01", epochs: "3" } }),
];
const COLUMNS = columnsOf(RUNS, 1000);
const column = (key: string) => COLUMNS.find((one) => one.key === key)!;
const texts = (key: string) => RUNS.map((one) => column(key).cell(one).text);

it("has the parameters that differ, and three columns for each metric", () => {
  expect(COLUMNS.map(({ key }) => key)).toEqual([
    ...["state", "started", "duration", "param lr", "param opt"],
    ...["last loss", "min loss", "max loss"],
  ]);
  expect(texts("duration")).toEqual(["1m 00s", "50s", "1m 40s"]);
  expect(texts("param opt")).toEqual(["adam", "sgd", ""]);
  expect(texts("min loss")).toEqual(["1", "1.5", ""]);
});

it("takes from the curves what an older version has not kept", () => {
  const old = run(0, { metrics: { loss: { value: 3, step: 2 } } }, [5, 1, 3]);
  const [last, min, max] = columnsOf([old], 1000).slice(-3);
  expect([last, min, max].map((one) => one!.cell(old).text)).toEqual(["3", "1", "5"]);
});

it("sorts numbers as numbers, texts as texts, and what has no value last either way", () => {
  const order = (key: string, isDescending: boolean) =>
    sorted(RUNS, COLUMNS, { key, isDescending }).map(({ index }) => index);
  expect(order("param lr", false)).toEqual([1, 2, 0]);
  expect(order("param lr", true)).toEqual([0, 2, 1]);
  expect(order("last loss", false)).toEqual([1, 0, 2]);
  expect(order("last loss", true)).toEqual([0, 1, 2]);
  expect(order("param opt", true)).toEqual([1, 0, 2]);
  expect(sorted(RUNS, COLUMNS, null).map(({ index }) => index)).toEqual([0, 1, 2]);
});

it("knows the best value of a metric whose name tells which are better", () => {
  expect(bestOf(column("min loss"), RUNS)).toBe(1);
  expect(bestOf(column("duration"), RUNS)).toBeNull();
});

it("turns the order with each press, and the third gives it up", () => {
  const first = nextOrder(null, "a");
  const second = nextOrder(first, "a");
  expect([first, second, nextOrder(second, "a")]).toEqual([
    { key: "a", isDescending: false },
    { key: "a", isDescending: true },
    null,
  ]);
  expect(nextOrder(second, "b")).toEqual({ key: "b", isDescending: false });
});
