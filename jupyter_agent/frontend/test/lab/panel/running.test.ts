import { beforeEach, expect, test, vi } from "vitest";
import { RunningTasks } from "../../../src/lab/panel/running.js";
import type { TaskListStore } from "../../../src/model/task_list_store.js";
import type { Snapshot } from "../../../src/net/types.js";
import { snapshot } from "../../support/scripted_server.js";

vi.mock("../../../src/lab/panel/icon.js", () => ({ tasksIcon: {} }));

const at = (done: number, fields: Partial<Snapshot> = {}) =>
  snapshot("1", { progress: { done, total: 100, message: null }, ...fields });

let tasks: Snapshot[];
let changed: () => void;
/** What the panel has drawn: it asks for the items when it is told of a change. */
let drawn: string[][];
let told: number;

beforeEach(() => {
  tasks = [at(10), snapshot("2", { state: "completed" })];
  const list = {
    get tasks() {
      return tasks;
    },
    subscribe: (listener: () => void) => ((changed = listener), () => {}),
  };
  const running = new RunningTasks(
    list as unknown as TaskListStore,
    () => {},
    () => {},
  );
  told = 0;
  running.runningChanged.connect(() => {
    told += 1;
    drawn = running.running().map((item) => [item.label() as string, item.detail!()]);
  });
  changed();
});

test("the panel follows the percent of a task that is active", () => {
  expect(drawn).toEqual([["task 1", "10%"]]);
  tasks = [at(53), tasks[1]!];
  changed();
  expect(drawn).toEqual([["task 1", "53%"]]);
});

test("the panel is told of what it shows only, and of an end", () => {
  tasks = [at(10, { updated: 1234, logs: 7 }), tasks[1]!];
  changed();
  expect(told).toBe(1);
  tasks = [at(10, { state: "failed" }), tasks[1]!];
  changed();
  expect([told, drawn]).toEqual([2, []]);
});

test("a question is told instead of the percent", () => {
  tasks = [at(10, { prompt: { prompt_id: "p", text: "Go on?", choices: null } })];
  changed();
  expect(drawn[0]![1]).toMatch(/wait/i);
});
