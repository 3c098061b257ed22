import { beforeEach, expect, test, vi } from "vitest";
import { Notifier } from "../../../src/lab/notifications/notifier.js";
import type { ChangeListener, TaskListStore } from "../../../src/model/task_list_store.js";
import type { Snapshot } from "../../../src/net/types.js";
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
  const update = ({ id, message }: { id: string; message: string }) =>
    screen.has(id) && Boolean(screen.set(id, message));
  return { Notification: { emit, update, dismiss: (id: string) => screen.delete(id) } };
});

const asks = (text: string) => snapshot("1", { prompt: { prompt_id: text, text, choices: null } });
const shown = () => [...screen.values()];
let change: ChangeListener;
/** The tasks of the page's list. */
let tasks: Snapshot[];

beforeEach(() => {
  screen.clear();
  tasks = [];
  const list = {
    connection: { rights: new Set(["read", "write"]) },
    get tasks() {
      return tasks;
    },
    subscribeToChanges: (listener: ChangeListener) => ((change = listener), () => {}),
  };
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

/** End the tasks of the list, one after the other. */
function end(ids: readonly string[], fields: Partial<Snapshot> = {}): void {
  for (const id of ids) {
    const before = tasks.find((task) => task.id === id)!;
    const after: Snapshot = { ...before, state: "completed", ended: before.started! + 100, ...fields };
    tasks = tasks.map((task) => (task === before ? after : task));
    change(before, after);
  }
}

const sweep = (fields: Partial<Snapshot> = {}) =>
  Array.from({ length: 200 }, (_, n) => snapshot(String(n), { name: "train", run: "r", ...fields }));

test("a sweep has one notification, which is updated with each end", () => {
  tasks = sweep();
  const ids = tasks.map(({ id }) => id);
  end(ids.slice(0, 12));
  expect(shown()).toEqual(["train: 12 of 200 ended"]);
  end(ids.slice(12, 13), { state: "failed" });
  end(ids.slice(13));
  expect(shown()).toEqual(["train: 200 of 200 ended, 1 failed"]);
});

test("a sweep's notification that the user has closed is shown again only at its end", () => {
  tasks = sweep();
  const ids = tasks.map(({ id }) => id);
  end(ids.slice(0, 2));
  screen.clear();
  end(ids.slice(2, 199));
  expect(shown()).toEqual([]);
  end(ids.slice(199));
  expect(shown()).toEqual(["train: 200 of 200 ended"]);
});

test("ends that are worth no notification of their own are counted in a sweep's", () => {
  tasks = sweep();
  const ids = tasks.map(({ id }) => id);
  end(ids.slice(0, 2), { state: "cancelled" });
  expect(shown()).toEqual([]);
  end(ids.slice(2, 197));
  end(ids.slice(197, 199), { ended: tasks[0]!.started! + 1 });
  end(ids.slice(199), { state: "cancelled" });
  expect(shown()).toEqual(["train: 200 of 200 ended, 3 cancelled"]);
});

test("a sweep is a run of a cell, whatever the names; without cells it is a name and a time", () => {
  tasks = [
    ...["a", "b"].map((name) => snapshot(name, { name, run: "r" })),
    ...[1000, 1100, 9000].map((queued) => snapshot(String(queued), { name: "nightly", queued })),
  ];
  end(["a", "b", "1000", "9000"]);
  expect(shown()).toEqual([
    "Tasks of a cell: 2 of 2 ended",
    "nightly: 1 of 2 ended",
    "nightly completed after 1m 40s",
  ]);
});

test("the question of a sweep's task is a notification of its own", () => {
  tasks = sweep();
  change(tasks[0]!, { ...tasks[0]!, prompt: { prompt_id: "p", text: "Go on?", choices: null } });
  expect(shown()).toEqual(["train asks: Go on?"]);
});
