import { beforeEach, describe, expect, it } from "vitest";
import { TaskListStore } from "../../src/model/task_list_store.js";
import type { Snapshot } from "../../src/net/types.js";
import { event, json, queued, Scripted, settle, snapshot, state } from "../support/scripted_server.js";

let server: Scripted;
let list: TaskListStore;
let changes: [string | null, string][];
let stop: () => void;

function open(ids: string[] | null = null): void {
  server = new Scripted();
  list = TaskListStore.of(server.connection, server.server, ids);
  changes = [];
  stop = list.subscribeToChanges((before, after) => changes.push([before && told(before), told(after)]));
  server.open();
}

const told = (task: Snapshot) => `${task.id} ${task.state} ${task.attempt}${task.prompt ? " asks" : ""}`;
const ids = () => list.tasks.map((task) => task.id);
const task = (id: string) => list.tasks.find((one) => one.id === id)!;
const page =
  (tasks: Snapshot[], { more = false, cursor = "e:0" } = {}) =>
  () =>
    json({ tasks, more, cursor });

beforeEach(() => open());

describe("what is in the list", () => {
  it("asks for all tasks, and for nothing that a list does not show", () => {
    const [{ tasks, types, after }] = server.current.sent.filter((frame) => frame.type === "subscribe");
    expect([tasks, after]).toEqual(["*", null]);
    expect(types).toEqual(["state", "progress", "prompt", "input", "command"]);
  });

  it("says whether the server has told its tasks", () => {
    expect([list.isLoaded, list.status]).toEqual([false, "connecting"]);
    server.start([]);
    expect([list.isLoaded, list.status]).toEqual([true, "live"]);
  });

  it("puts tasks that ask first, then running, queued and ended ones, each the newest first", () => {
    const prompt = { prompt_id: "q", text: "which?", choices: null };
    server.start([
      snapshot("7", { state: "completed" }),
      snapshot("6", { state: "queued" }),
      snapshot("5"),
      snapshot("4", { state: "failed" }),
      snapshot("3", { prompt }),
      snapshot("2"),
      snapshot("1", { state: "queued" }),
    ]);
    expect(ids()).toEqual(["3", "5", "2", "6", "1", "7", "4"]);
  });

  it("folds live events into its tasks, each into a new object", () => {
    server.start([snapshot("1")]);
    const before = task("1");
    server.tell(event(1, "1", "progress", { done: 3, total: 10, message: "on it" }));
    expect(before.progress).toBe(null);
    expect(task("1").progress).toEqual({ done: 3, total: 10, message: "on it" });
  });

  it("moves a task when its state or its question changes", () => {
    server.start([snapshot("2"), snapshot("1")]);
    server.tell(event(1, "1", "prompt", { prompt_id: "q", text: "which?" }));
    expect(ids()).toEqual(["1", "2"]);
    server.tell(event(2, "1", "input", { prompt_id: "q", text: "this" }));
    expect(ids()).toEqual(["2", "1"]);
    server.tell(state(3, "2", "completed"));
    expect(ids()).toEqual(["1", "2"]);
  });

  it("takes in a task that begins", () => {
    server.start([snapshot("1")]);
    server.tell(queued(1, "2"), state(2, "2", "running"));
    expect(ids()).toEqual(["2", "1"]);
    expect(task("2")).toMatchObject({ name: "task 2", state: "running", created: 1000, attempt: 1 });
    expect(server.asked).toEqual([]);
  });

  it("shows as cancelling what somebody asked to cancel", () => {
    server.start([snapshot("1")]);
    server.tell(event(1, "1", "command", { command: "cancel", args: {}, by: "u" }));
    expect(task("1").cancel_requested).toBe(true);
  });

  it("knows how fast a task goes", () => {
    server.start([snapshot("1")]);
    for (let second = 0; second < 5; second += 1) {
      server.tell(
        event(second + 1, "1", "progress", { done: 20 * second, total: 1000 }, { time: 1000 + second }),
      );
    }
    server.time = 1004;
    expect(list.rate(task("1"))).toBe(20);
    server.tell(state(9, "1", "running", { attempt: 2 }));
    expect(list.rate(task("1"))).toBe(null);
  });
});

describe("tasks whose beginning was not seen", () => {
  it("asks the server for them, and loses nothing that comes meanwhile", async () => {
    server.answers.set(
      "GET tasks/0",
      page0({ cursor: "e:2", progress: { done: 2, total: 9, message: null } }),
    );
    server.start([snapshot("1")]);
    server.tell(event(1, "0", "progress", { done: 1, total: 9 }));
    server.tell(
      event(2, "0", "progress", { done: 2, total: 9 }),
      event(3, "0", "progress", { done: 3, total: 9 }),
    );
    expect(ids()).toEqual(["1"]);
    await settle();
    expect(server.asked).toEqual(["GET tasks/0"]);
    expect(task("0")).toMatchObject({ name: "task 0", progress: { done: 3 }, events: 3 });
  });

  it("says once that such a task ended, whether the answer holds it already or not", async () => {
    server.answers.set("GET tasks/0", page0({ cursor: "e:2", state: "failed" }));
    server.answers.set("GET tasks/00", () => json(snapshot("00", { cursor: "e:2" })));
    server.start([]);
    server.tell(
      state(1, "0", "failed"),
      event(2, "00", "progress", { done: 1 }),
      state(3, "00", "completed"),
    );
    await settle();
    expect(changes).toEqual([
      [null, "0 failed 1"],
      ["00 running 1", "00 completed 1"],
    ]);
  });

  it("is not troubled by one that was deleted", async () => {
    server.start([]);
    server.tell(event(1, "0", "progress", { done: 1 }));
    await settle();
    expect([list.tasks, changes]).toEqual([[], []]);
  });

  it("asks again when the server does not answer", async () => {
    let asked = 0;
    server.answers.set("GET tasks/0", () =>
      ++asked < 3 ? Promise.reject(new TypeError("no network")) : json(snapshot("0")),
    );
    server.start([]);
    server.tell(event(1, "0", "progress", { done: 1 }));
    for (let turn = 0; turn < 3; turn += 1) {
      await settle();
      server.pass(2);
    }
    expect([asked, ids()]).toEqual([3, ["0"]]);
  });

  it("finds all running tasks, however old they are", async () => {
    server.answers.set("GET tasks?state=running&limit=1000", page([snapshot("0")]));
    server.answers.set("GET tasks?state=queued&limit=1000", page([]));
    server.start([snapshot("1", { state: "completed" })], { more: true });
    await settle();
    expect(ids()).toEqual(["0", "1"]);
  });

  const page0 = (fields: Partial<Snapshot>) => () => json(snapshot("0", fields));
});

describe("when the connection breaks", () => {
  it("goes on where it was: nothing is lost, nothing comes twice", async () => {
    server.start([snapshot("1")]);
    server.answers.set("GET tasks?limit=101", page([snapshot("1")], { cursor: "e:1" }));
    server.tell(event(1, "1", "progress", { done: 1, total: 3 }));
    server.comeBack();
    expect(server.current.sent.at(-1)).toMatchObject({ type: "subscribe", after: "e:1" });
    server.goOn();
    server.tell(event(2, "1", "progress", { done: 2, total: 3 }), state(3, "1", "completed"));
    await settle();
    expect(task("1")).toMatchObject({ state: "completed", events: 5, progress: { done: 2 } });
    expect(changes).toEqual([["1 running 1", "1 completed 1"]]);
  });

  it("a frame that does not fit is not folded", () => {
    server.start([snapshot("1")], { cursor: "e:5" });
    const id = server.current.sent.at(-1).id;
    server.send({ type: "events", id, prev: "e:4", cursor: "e:6", events: [state(6, "1", "failed")] });
    expect([task("1").state, changes]).toEqual(["running", []]);
  });

  it("says once of each task that ran before and now has ended, and of no other", async () => {
    server.start([snapshot("3"), snapshot("2", { state: "failed" }), snapshot("1")]);
    server.comeBack();
    const ended = { state: "completed" as const, cursor: "f:9" };
    server.start(
      [snapshot("4", ended), snapshot("3", ended), snapshot("2", { state: "failed" }), snapshot("1")],
      { cursor: "f:9" },
    );
    server.comeBack();
    server.start([snapshot("4", ended), snapshot("3", ended), snapshot("1")], { cursor: "f:9" });
    await settle();
    expect(changes).toEqual([["3 running 1", "3 completed 1"]]);
  });

  it("looks for a task that ran and is not among the newest any more", async () => {
    server.answers.set("GET tasks/1", () => json(snapshot("1", { state: "failed", cursor: "e:9" })));
    server.start([snapshot("2"), snapshot("1"), snapshot("0")]);
    server.comeBack();
    server.start([snapshot("2", { cursor: "e:9" })], { cursor: "e:9" });
    await settle();
    expect(ids()).toEqual(["2", "1"]);
    expect(changes).toEqual([["1 running 1", "1 failed 1"]]);
  });

  it("a new journal voids everything", async () => {
    server.start([snapshot("1", { state: "completed" })]);
    server.comeBack();
    server.start([snapshot("2", { cursor: "f:1" })], { cursor: "f:1" });
    server.tell(state(2, "2", "completed"));
    expect(ids()).toEqual(["2"]);
    expect(task("2").state).toBe("completed");
  });

  it("an answer from before a restart is not believed", async () => {
    let answer = (_: Response) => {};
    server.answers.set("GET tasks/0", () => new Promise<Response>((resolve) => (answer = resolve)));
    server.start([]);
    server.tell(event(1, "0", "progress", { done: 1 }));
    server.comeBack();
    server.start([], { cursor: "f:0" });
    answer(json(snapshot("0")));
    await settle();
    expect(ids()).toEqual([]);
  });

  it("a task that was deleted elsewhere goes", async () => {
    server.start([snapshot("3"), snapshot("2", { state: "failed" }), snapshot("1")]);
    server.answers.set("GET tasks?limit=103", page([snapshot("3"), snapshot("1")]));
    server.comeBack();
    server.goOn();
    await settle();
    expect(ids()).toEqual(["3", "1"]);
  });

  it("keeps what that answer cannot know: older tasks than it names, and newer ones", async () => {
    server.start([snapshot("2", { state: "failed" }), snapshot("1", { state: "failed" })]);
    server.answers.set("GET tasks?limit=103", page([snapshot("2")], { more: true }));
    server.comeBack();
    server.goOn();
    server.tell(queued(1, "3"));
    await settle();
    expect(server.asked).toEqual(["GET tasks?limit=103"]);
    expect(ids()).toEqual(["3", "2", "1"]);
  });
});

describe("changes", () => {
  it("tells every state, question and answer, with what was before", () => {
    server.start([snapshot("1")]);
    server.tell(
      event(1, "1", "prompt", { prompt_id: "q", text: "which?" }),
      event(2, "1", "progress", { done: 1 }),
      event(3, "1", "input", { prompt_id: "q", text: "a" }),
      state(4, "1", "failed"),
      state(5, "1", "queued", { attempt: 2 }),
      queued(6, "2"),
    );
    expect(changes).toEqual([
      ["1 running 1", "1 running 1 asks"],
      ["1 running 1 asks", "1 running 1"],
      ["1 running 1", "1 failed 1"],
      ["1 failed 1", "1 queued 2"],
      [null, "2 queued 1"],
    ]);
  });

  it("tells of a question that was asked or answered unseen", () => {
    const prompt = { prompt_id: "q", text: "which?", choices: null };
    server.start([snapshot("2", { prompt }), snapshot("1")]);
    server.comeBack();
    server.start([snapshot("2"), snapshot("1", { prompt })]);
    expect(changes).toEqual([
      ["2 running 1 asks", "2 running 1"],
      ["1 running 1", "1 running 1 asks"],
    ]);
  });

  it("says nothing of what was so at the start", () => {
    server.start([snapshot("1", { state: "failed" }), snapshot("0")]);
    expect(changes).toEqual([]);
  });

  it("calls a watcher once for many events", () => {
    let calls = 0;
    list.subscribe(() => (calls += 1));
    server.start([snapshot("1")]);
    calls = 0;
    server.tell(...Array.from({ length: 50 }, (_, n) => event(n + 1, "1", "progress", { done: n })));
    expect(calls).toBe(1);
  });
});

describe("more tasks, fewer tasks", () => {
  it("loads older ones page by page", async () => {
    server.answers.set(
      "GET tasks?before=3&limit=100",
      page([snapshot("2", { state: "failed" })], { more: true }),
    );
    server.answers.set("GET tasks?before=2&limit=100", page([snapshot("1", { state: "failed" })]));
    server.start([snapshot("4"), snapshot("3")], { more: true });
    await Promise.all([list.loadMore(), list.loadMore()]);
    expect([ids(), list.more]).toEqual([["4", "3", "2"], true]);
    await list.loadMore();
    expect([ids(), list.more]).toEqual([["4", "3", "2", "1"], false]);
  });

  it("does not let an older page overwrite what is newer", async () => {
    server.answers.set("GET tasks?state=running&limit=1000", page([snapshot("1")]));
    server.answers.set("GET tasks?before=3&limit=100", page([snapshot("1")]));
    server.start([snapshot("3")], { more: true });
    await settle();
    server.tell(state(1, "1", "completed"));
    await list.loadMore();
    expect(task("1").state).toBe("completed");
  });

  it("rejects with the server's sentence", async () => {
    server.answers.set("GET tasks?before=1&limit=100", () => json({ detail: "the journal is busy" }, 503));
    server.start([snapshot("1")], { more: true });
    await expect(list.loadMore()).rejects.toThrow("the journal is busy");
  });

  it("forgets a task that was deleted here, and hears no more of it", async () => {
    server.answers.set("DELETE tasks/1", () => new Response(null, { status: 204 }));
    server.start([snapshot("1", { state: "failed" })]);
    expect(await list.remove("1")).toBe(null);
    server.tell(event(1, "1", "progress", { done: 1 }));
    await settle();
    expect(ids()).toEqual([]);
  });

  it("says why a task cannot be deleted, and keeps it", async () => {
    server.answers.set("DELETE tasks/1", () => json({ detail: "task 1 is running; cancel it first" }, 409));
    server.answers.set("DELETE tasks/2", () => Promise.reject(new TypeError("no network")));
    server.start([snapshot("1")]);
    expect(await list.remove("1")).toBe("task 1 is running; cancel it first");
    expect(await list.remove("2")).toBe("The server does not answer.");
    expect(ids()).toEqual(["1"]);
  });

  it("takes a task that is gone already for deleted", async () => {
    server.start([snapshot("1", { state: "failed" })]);
    expect(await list.remove("1")).toBe(null);
    expect(ids()).toEqual([]);
  });

  it("keeps about a thousand: the oldest ended go, the running stay, and can be loaded again", async () => {
    server.start([snapshot("00001", { state: "failed" }), snapshot("00000")]);
    const name = (n: number) => String(n).padStart(5, "0");
    for (let n = 2; n < 3000; n += 1)
      server.tell(queued(2 * n, name(n)), state(2 * n + 1, name(n), "failed"));
    expect(list.tasks.length).toBeGreaterThanOrEqual(1000);
    expect(list.tasks.length).toBeLessThanOrEqual(1101);
    expect(ids()[0]).toBe("00000");
    expect(ids()[1]).toBe("02999");
    expect(list.more).toBe(true);
    const oldest = ids().at(-1)!;
    server.answers.set(
      `GET tasks?before=${oldest}&limit=100`,
      page([snapshot("00009", { state: "failed" })]),
    );
    await list.loadMore();
    expect(ids().at(-1)).toBe("00009");
  });
});

describe("named tasks", () => {
  it("follows these only, and asks for no others", async () => {
    open(["2", "1"]);
    expect(server.current.sent.at(-1)).toMatchObject({ type: "subscribe", tasks: ["2", "1"] });
    server.start([snapshot("2", { state: "completed" }), snapshot("1")]);
    await settle();
    expect([ids(), list.more, server.asked]).toEqual([["1", "2"], false, []]);
  });
});

describe("sharing", () => {
  it("there is one list for a connection, until nobody looks", () => {
    expect(TaskListStore.of(server.connection, server.server)).toBe(list);
    stop();
    expect(TaskListStore.of(server.connection, server.server)).not.toBe(list);
  });

  it("stops listening with the last watcher", () => {
    server.start([]);
    const leave = list.subscribe(() => {});
    stop();
    expect(server.current.sent.at(-1).type).toBe("subscribe");
    leave();
    leave();
    expect(server.current.sent.at(-1).type).toBe("unsubscribe");
  });

  it("says what the server refuses", () => {
    server.send({
      type: "error",
      id: server.current.sent.at(-1).id,
      code: "forbidden",
      message: "not for you",
      temporary: false,
    });
    expect(list.refusal).toBe("not for you");
  });
});

it("a thousand tasks with twenty thousand events take less than a second", () => {
  const names = Array.from({ length: 1000 }, (_, n) => String(n).padStart(5, "0"));
  const began = performance.now();
  server.start(names.map((name) => snapshot(name)));
  let offset = 0;
  for (let round = 0; round < 20; round += 1) {
    server.tell(
      ...names.map((name) =>
        event(++offset, name, "progress", { done: round, total: 20 }, { time: 1000 + round }),
      ),
    );
    expect(list.tasks.length).toBe(1000);
  }
  expect(performance.now() - began).toBeLessThan(1000);
});
