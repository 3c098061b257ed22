import { beforeEach, expect, test, vi } from "vitest";
import { Notifier } from "../../../src/lab/notifications/notifier.js";
import type { ChangeListener, TaskListStore } from "../../../src/model/task_list_store.js";
import { snapshot } from "../../support/scripted_server.js";

/** The page's notifications: those that are on the screen, by id. */
const screen = vi.hoisted(() => new Map<string, string>());

vi.mock("@jupyterlab/apputils", () => {
  let ids = 0;
  const emit = (text: string) => {
    ids += 1;
    screen.set(String(ids), text);
    return String(ids);
  };
  return { Notification: { emit, dismiss: (id: string) => screen.delete(id) } };
});

const asks = (text: string) => snapshot("1", { prompt: { prompt_id: text, text, choices: null } });
const told = () => [...screen.values()];
let tell: ChangeListener;

beforeEach(() => {
  screen.clear();
  const list = { subscribeToChanges: (change: ChangeListener) => ((tell = change), () => {}) };
  new Notifier(
    () => ({ notify: "long", longAfter: 30 }),
    () => {},
  ).watch(list as unknown as TaskListStore);
});

test("a question goes from the screen when it is answered, wherever that was", () => {
  tell(snapshot("1"), asks("which?"));
  expect(told()).toEqual(["task 1 asks: which?"]);
  tell(asks("which?"), snapshot("1"));
  expect(told()).toEqual([]);
});

test("the next question takes the place of the one before", () => {
  tell(snapshot("1"), asks("which?"));
  tell(asks("which?"), asks("where?"));
  expect(told()).toEqual(["task 1 asks: where?"]);
});

test("a question stays while something else is told of its task, and goes with the task", () => {
  tell(snapshot("1"), asks("which?"));
  tell(asks("which?"), asks("which?"));
  expect(told()).toEqual(["task 1 asks: which?"]);
  tell(asks("which?"), { ...asks("which?"), state: "cancelled" });
  expect(told()).toEqual([]);
});
