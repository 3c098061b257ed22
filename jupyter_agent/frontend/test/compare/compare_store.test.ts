import { expect, it } from "vitest";
import { CompareStore } from "../../src/compare/compare_store.js";
import { ranked, runPanels, runSeries, runStyles } from "../../src/compare/run_series.js";
import type { Snapshot } from "../../src/net/types.js";
import { event, json, ScriptedServer, settle, snapshot, state } from "../support/scripted_server.js";

const METRICS = ["train/loss", "acc", "val/loss", "lr", "norm", "score"];

function answer(values: number[], cursor = "e:5", names = ["loss"]): object {
  const steps = values.map((_, at) => at);
  const metrics = names.map((name) => ({ name, count: values.length, steps, times: steps, values }));
  return { attempt: 1, start: 1000, cursor, metrics };
}

function compare(server: ScriptedServer, ids: string[]): CompareStore {
  const store = new CompareStore(server.connection, server.server, ids, () => {});
  server.welcome();
  return store;
}

const known = (id: string) => snapshot(id, { metrics: { loss: { value: 1, step: 0 } } });
const curve = (store: CompareStore, at = 0) =>
  store.runs[at]!.metrics.series.get("loss")?.drawn.map(({ y }) => y);

it("adds live values to the curves, none twice and none lost", async () => {
  const server = new ScriptedServer();
  let deliver = (_: Response) => {};
  server.answers.set("GET tasks/a/metrics?points=1000", () => new Promise((resolve) => (deliver = resolve)));
  const store = compare(server, ["a"]);
  server.answerSnapshots([known("a")], { cursor: "e:3" });
  server.sendEvents(event(4, "a", "metric", { name: "loss", value: 8, step: 1 }));
  server.sendEvents(event(6, "a", "metric", { name: "loss", value: 7, step: 2 }));
  deliver(json(answer([9, 8])));
  await settle();
  expect(curve(store)).toEqual([9, 8, 7]);
  server.sendEvents(event(7, "a", "metric", { name: "loss", value: 6, step: 3 }, { time: 1009 }));
  expect(curve(store)).toEqual([9, 8, 7, 6]);
  expect(store.runs[0]!.metrics.series.get("loss")!.last!.time).toBe(9);
  expect(store.runs[0]!.task.metrics.loss!.value).toBe(6);
});

it("starts a run's curves over with its next attempt", async () => {
  const server = new ScriptedServer();
  server.answers.set("GET tasks/a/metrics?points=1000", () => json(answer([9, 8])));
  const store = compare(server, ["a"]);
  server.answerSnapshots([known("a")]);
  await settle();
  server.sendEvents(state(6, "a", "failed"), state(7, "a", "queued", { attempt: 2 }));
  expect(curve(store)).toBeUndefined();
});

it("shows what there is when the server has no curves, and no task that is gone", async () => {
  const server = new ScriptedServer();
  const store = compare(server, ["gone", "a"]);
  server.answerSnapshots([known("a")]);
  await settle();
  expect(store.runs.map(({ index, task }) => [index, task.id])).toEqual([[1, "a"]]);
  server.sendEvents(event(6, "a", "metric", { name: "loss", value: 7, step: 2 }));
  expect(curve(store)).toEqual([7]);
});

/** What opening 20 runs of 6 metrics with 1,000 points costs, counted: the page must not read their events. */
it("asks once for each of twenty runs, and for no event of the past", async () => {
  const server = new ScriptedServer();
  const ids = Array.from({ length: 25 }, (_, at) => `t${100 + at}`);
  const values = Array.from({ length: 1000 }, (_, at) => at);
  for (const id of ids)
    server.answers.set(`GET tasks/${id}/metrics?points=1000`, () => json(answer(values, "e:5", METRICS)));
  const store = compare(server, ids);
  const metrics = Object.fromEntries(METRICS.map((name) => [name, { value: 999, step: 999 }]));
  const [subscribe, ...others] = server.current.sent.filter((frame) => frame.type === "subscribe");
  expect([subscribe.tasks.length, subscribe.tail, others.length]).toEqual([20, undefined, 0]);
  server.answerSnapshots(ids.slice(0, 20).map((id) => snapshot(id, { metrics })));
  await settle();
  expect(server.requests).toEqual(ids.slice(0, 20).map((id) => `GET tasks/${id}/metrics?points=1000`));
  expect(runPanels(store.runs).map(({ key, names }) => [key, names.length])).toEqual([
    ["loss", 40],
    ["acc", 20],
    ["lr", 20],
    ["norm", 20],
    ["score", 20],
  ]);
  const { series } = runSeries(store.runs);
  expect(series.size).toBe(120);
  expect(Math.max(...[...series.values()].map((one) => one.drawn.length))).toBe(1000);
});

/** A server whose answers about the curves of `a` the test gives, and the store with the number of its changes. */
function slow(): { store: CompareStore; answers: ((_: Response) => void)[]; changes: () => number } {
  const [server, answers]: [ScriptedServer, ((_: Response) => void)[]] = [new ScriptedServer(), []];
  server.answers.set(
    "GET tasks/a/metrics?points=1000",
    () => new Promise((resolve) => answers.push(resolve)),
  );
  let changes = 0;
  const store = new CompareStore(server.connection, server.server, ["a"], () => (changes += 1));
  server.welcome();
  server.answerSnapshots([known("a")]);
  return { store, answers, changes: () => changes };
}

it("asks anew after a restart, and drops the answers of before", async () => {
  const { store, answers, changes } = slow();
  store.restart([known("a")]);
  const before = changes();
  answers[0]!(json(answer([1, 2])));
  await settle();
  expect([changes() - before, curve(store)]).toEqual([0, undefined]);
  answers[1]!(json(answer([9, 8])));
  await settle();
  expect([changes() - before, curve(store)]).toEqual([1, [9, 8]]);
});

it("drops the answers that come once it is closed", async () => {
  const { store, answers, changes } = slow();
  const before = changes();
  store.close();
  answers[0]!(json(answer([9, 8])));
  await settle();
  expect(changes()).toBe(before);
});

it("ranks the runs by their last value where the metric's name tells which is better", async () => {
  const server = new ScriptedServer();
  for (const [id, last] of [
    ["a", 3],
    ["b", 1],
    ["c", 2],
  ] as const)
    server.answers.set(`GET tasks/${id}/metrics?points=1000`, () =>
      json(answer([9, last], "e:5", ["loss", "lr"])),
    );
  const store = compare(server, ["a", "b", "c"]);
  server.answerSnapshots(["a", "b", "c"].map(known));
  await settle();
  const [loss, lr] = runPanels(store.runs);
  const { series } = runSeries(store.runs);
  expect(ranked(loss!, series)).toEqual(["1/loss", "2/loss", "0/loss"]);
  expect(ranked(lr!, series)).toEqual(["0/lr", "1/lr", "2/lr"]);
});

const TWO = ["train/loss", "val/loss"];

function twoOf(value: number): Snapshot["metrics"] {
  return Object.fromEntries(TWO.map((name) => [name, { value, step: 1 }]));
}

async function compareTwo(lasts: Record<string, [train: number, validation: number]>): Promise<CompareStore> {
  const server = new ScriptedServer();
  for (const [id, last] of Object.entries(lasts)) {
    const metrics = TWO.map((name, at) => ({
      name,
      count: 2,
      steps: [0, 1],
      times: [0, 1],
      values: [9, last[at]],
    }));
    server.answers.set(`GET tasks/${id}/metrics?points=1000`, () =>
      json({ attempt: 1, start: 1000, cursor: "e:5", metrics }),
    );
  }
  const ids = Object.keys(lasts);
  const store = compare(server, ids);
  server.answerSnapshots(ids.map((id) => snapshot(id, { metrics: twoOf(1) })));
  await settle();
  return store;
}

it("draws metrics with the same last part in one panel: a colour for the run, a dash for the metric", async () => {
  const { runs } = await compareTwo({ a: [1, 5], b: [2, 4] });
  const [panel, ...others] = runPanels(runs);
  expect([panel!.title, others.length]).toEqual(["loss", 0]);
  const styleOf = runStyles(runs);
  const [trainA, trainB, validationA, validationB] = panel!.names.map(styleOf);
  expect(trainA!.color).toBe(validationA!.color);
  expect(trainB!.color).toBe(validationB!.color);
  expect(trainA!.color).not.toBe(trainB!.color);
  expect([trainA!.dash, trainB!.dash, validationA!.dash, validationB!.dash]).toEqual([0, 0, 2, 2]);
});

it("ranks the runs of a shared panel by the validation", async () => {
  const { runs } = await compareTwo({ a: [1, 5], b: [2, 4] });
  const order = ranked(runPanels(runs)[0]!, runSeries(runs).series);
  expect(order).toEqual(["1/train/loss", "1/val/loss", "0/train/loss", "0/val/loss"]);
});

it.each([
  ["once when they come together", ["a", "b"], 0, 1],
  ["after half a second without those that are late", ["a", "late"], 0.5, 1],
  ["not before that", ["a", "late"], 0.4, 0],
] as const)("shows curves %s", async (_, ids, seconds, times) => {
  const server = new ScriptedServer();
  let changes = 0;
  for (const id of ["a", "b"])
    server.answers.set(`GET tasks/${id}/metrics?points=1000`, () => json(answer([9, 8])));
  server.answers.set("GET tasks/late/metrics?points=1000", () => new Promise(() => {}));
  new CompareStore(server.connection, server.server, ids, () => (changes += 1));
  server.welcome();
  server.answerSnapshots(ids.map(known));
  changes = 0;
  await settle();
  server.advance(seconds);
  expect(changes).toBe(times);
});
