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
const shown = () => [...screen.values()];
let change: ChangeListener;

beforeEach(() => {
  screen.clear();
  const list = { subscribeToChanges: (listener: ChangeListener) => ((change = listener), () => {}) };
  new Notifier(
    () => ({ notify: "long", longAfter: 30 }),
    () => {},
  ).watch(list as unknown as TaskListStore);
});

test("a question is dismissed when it is answered anywhere", () => {
  change(snapshot("1"), asks("which?"));
  expect(shown()).toEqual(["task 1 asks: which?"]);
  change(asks("which?"), snapshot("1"));
  expect(shown()).toEqual([]);
});

test("the next question replaces the previous one", () => {
  change(snapshot("1"), asks("which?"));
  change(asks("which?"), asks("where?"));
  expect(shown()).toEqual(["task 1 asks: where?"]);
});

test("a question stays during other changes, and is dismissed with its task's end", () => {
  change(snapshot("1"), asks("which?"));
  change(asks("which?"), asks("which?"));
  expect(shown()).toEqual(["task 1 asks: which?"]);
  change(asks("which?"), { ...asks("which?"), state: "cancelled" });
  expect(shown()).toEqual([]);
});
