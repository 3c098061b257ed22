import { beforeEach, describe, expect, it } from "vitest";
import { TaskListStore } from "../../src/model/task_list_store.js";
import type { Snapshot } from "../../src/net/types.js";
import { event, json, queued, ScriptedServer, settle, snapshot, state } from "../support/scripted_server.js";

let server: ScriptedServer;
let list: TaskListStore;
let changes: [string | null, string][];
let stop: () => void;

function open(ids: string[] | null = null): void {
  server = new ScriptedServer();
  list = TaskListStore.of(server.connection, server.server, ids);
  changes = [];
  stop = list.subscribeToChanges((before, after) =>
    changes.push([before && summary(before), summary(after)]),
  );
  server.welcome();
}

const summary = (task: Snapshot) => `${task.id} ${task.state} ${task.attempt}${task.prompt ? " asks" : ""}`;
const ids = () => list.tasks.map((task) => task.id);
const task = (id: string) => list.tasks.find((one) => one.id === id)!;
const page =
  (tasks: Snapshot[], { more = false, cursor = "e:0" } = {}) =>
  () =>
    json({ tasks, more, cursor });

beforeEach(() => open());

describe("the list", () => {
  it("asks for all tasks, and for nothing that a list does not show", () => {
    const [{ tasks, types, after }] = server.current.sent.filter((frame) => frame.type === "subscribe");
    expect([tasks, after]).toEqual(["*", null]);
    expect(types).toEqual(["state", "progress", "prompt", "input", "command", "stopping"]);
  });

  it("knows whether the server has sent its tasks", () => {
    expect([list.isLoaded, list.status]).toEqual([false, "connecting"]);
    server.answerSnapshots([]);
    expect([list.isLoaded, list.status]).toEqual([true, "live"]);
  });

  it("sorts waiting, running, queued and ended tasks, each the newest first", () => {
    const prompt = { prompt_id: "q", text: "which?", choices: null };
    server.answerSnapshots([
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
    server.answerSnapshots([snapshot("1")]);
    const before = task("1");
    server.sendEvents(event(1, "1", "progress", { done: 3, total: 10, message: "on it" }));
    expect(before.progress).toBe(null);
    expect(task("1").progress).toEqual({ done: 3, total: 10, message: "on it" });
  });

  it("moves a task when its state or its question changes", () => {
    server.answerSnapshots([snapshot("2"), snapshot("1")]);
    server.sendEvents(event(1, "1", "prompt", { prompt_id: "q", text: "which?" }));
    expect(ids()).toEqual(["1", "2"]);
    server.sendEvents(event(2, "1", "input", { prompt_id: "q", text: "this" }));
    expect(ids()).toEqual(["2", "1"]);
    server.sendEvents(state(3, "2", "completed"));
    expect(ids()).toEqual(["1", "2"]);
  });

  it("adds a task that begins", () => {
    server.answerSnapshots([snapshot("1")]);
    server.sendEvents(queued(1, "2"), state(2, "2", "running"));
    expect(ids()).toEqual(["2", "1"]);
    expect(task("2")).toMatchObject({ name: "task 2", state: "running", created: 1000, attempt: 1 });
    expect(server.requests).toEqual([]);
  });

  it("marks a task whose cancel was requested", () => {
    server.answerSnapshots([snapshot("1")]);
    server.sendEvents(event(1, "1", "command", { command: "cancel", args: {}, by: "u" }));
    expect(task("1").cancel_requested).toBe(true);
  });

  it("measures the rate of a task", () => {
    server.answerSnapshots([snapshot("1")]);
    for (let second = 0; second < 5; second += 1) {
      server.sendEvents(
        event(second + 1, "1", "progress", { done: 20 * second, total: 1000 }, { time: 1000 + second }),
      );
    }
    server.time = 1004;
    expect(list.rate(task("1"))).toBe(20);
    server.sendEvents(state(9, "1", "running", { attempt: 2 }));
    expect(list.rate(task("1"))).toBe(null);
  });
});

describe("tasks whose first event was not seen", () => {
  it("are fetched from the server; events that arrive meanwhile are kept", async () => {
    server.answers.set(
      "GET tasks/0",
      page0({ cursor: "e:2", progress: { done: 2, total: 9, message: null } }),
    );
    server.answerSnapshots([snapshot("1")]);
    server.sendEvents(event(1, "0", "progress", { done: 1, total: 9 }));
    server.sendEvents(
      event(2, "0", "progress", { done: 2, total: 9 }),
      event(3, "0", "progress", { done: 3, total: 9 }),
    );
    expect(ids()).toEqual(["1"]);
    await settle();
    expect(server.requests).toEqual(["GET tasks/0"]);
    expect(task("0")).toMatchObject({ name: "task 0", progress: { done: 3 }, events: 3 });
  });

  it("report their end once, whether the fetched snapshot includes it or not", async () => {
    server.answers.set("GET tasks/0", page0({ cursor: "e:2", state: "failed" }));
    server.answers.set("GET tasks/00", () => json(snapshot("00", { cursor: "e:2" })));
    server.answerSnapshots([]);
    server.sendEvents(
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

  it("are ignored when they were deleted", async () => {
    server.answerSnapshots([]);
    server.sendEvents(event(1, "0", "progress", { done: 1 }));
    await settle();
    expect([list.tasks, changes]).toEqual([[], []]);
  });

  it("are fetched again when the server does not answer", async () => {
    let asked = 0;
    server.answers.set("GET tasks/0", () =>
      ++asked < 3 ? Promise.reject(new TypeError("no network")) : json(snapshot("0")),
    );
    server.answerSnapshots([]);
    server.sendEvents(event(1, "0", "progress", { done: 1 }));
    for (let turn = 0; turn < 3; turn += 1) {
      await settle();
      server.advance(2);
    }
    expect([asked, ids()]).toEqual([3, ["0"]]);
  });

  it("loads all active tasks, however old they are", async () => {
    server.answers.set("GET tasks?state=running&limit=1000", page([snapshot("0")]));
    server.answers.set("GET tasks?state=queued&limit=1000", page([]));
    server.answerSnapshots([snapshot("1", { state: "completed" })], { more: true });
    await settle();
    expect(ids()).toEqual(["0", "1"]);
  });

  it("goes on where a search for active tasks that took long has ended", async () => {
    server.answers.set("GET tasks?state=running&limit=1000", () =>
      json({ tasks: [], more: true, cursor: "e:0", before: "01" }),
    );
    server.answers.set("GET tasks?state=running&limit=1000&before=01", page([snapshot("0")]));
    server.answers.set("GET tasks?state=queued&limit=1000", page([]));
    server.answerSnapshots([snapshot("1", { state: "completed" })], { more: true });
    await settle();
    await settle();
    expect(ids()).toEqual(["0", "1"]);
  });

  const page0 = (fields: Partial<Snapshot>) => () => json(snapshot("0", fields));
});

describe("when the connection breaks", () => {
  it("resumes: no event is lost or applied twice", async () => {
    server.answerSnapshots([snapshot("1")]);
    server.answers.set("GET tasks?limit=101", page([snapshot("1")], { cursor: "e:1" }));
    server.sendEvents(event(1, "1", "progress", { done: 1, total: 3 }));
    server.reconnect();
    expect(server.current.sent.at(-1)).toMatchObject({ type: "subscribe", after: "e:1" });
    server.answerRecovered();
    server.sendEvents(event(2, "1", "progress", { done: 2, total: 3 }), state(3, "1", "completed"));
    await settle();
    expect(task("1")).toMatchObject({ state: "completed", events: 5, progress: { done: 2 } });
    expect(changes).toEqual([["1 running 1", "1 completed 1"]]);
  });

  it("ignores a frame that does not follow its cursor", () => {
    server.answerSnapshots([snapshot("1")], { cursor: "e:5" });
    const id = server.current.sent.at(-1).id;
    server.send({ type: "events", id, prev: "e:4", cursor: "e:6", events: [state(6, "1", "failed")] });
    expect([task("1").state, changes]).toEqual(["running", []]);
  });

  it("reports once each task that was active and has ended, and no other", async () => {
    server.answerSnapshots([snapshot("3"), snapshot("2", { state: "failed" }), snapshot("1")]);
    server.reconnect();
    const ended = { state: "completed" as const, cursor: "f:9" };
    server.answerSnapshots(
      [snapshot("4", ended), snapshot("3", ended), snapshot("2", { state: "failed" }), snapshot("1")],
      { cursor: "f:9" },
    );
    server.reconnect();
    server.answerSnapshots([snapshot("4", ended), snapshot("3", ended), snapshot("1")], { cursor: "f:9" });
    await settle();
    expect(changes).toEqual([["3 running 1", "3 completed 1"]]);
  });

  it("fetches an active task that is not among the newest any more", async () => {
    server.answers.set("GET tasks/1", () => json(snapshot("1", { state: "failed", cursor: "e:9" })));
    server.answerSnapshots([snapshot("2"), snapshot("1"), snapshot("0")]);
    server.reconnect();
    server.answerSnapshots([snapshot("2", { cursor: "e:9" })], { cursor: "e:9" });
    await settle();
    expect(ids()).toEqual(["2", "1"]);
    expect(changes).toEqual([["1 running 1", "1 failed 1"]]);
  });

  it("starts over with a new journal", async () => {
    server.answerSnapshots([snapshot("1", { state: "completed" })]);
    server.reconnect();
    server.answerSnapshots([snapshot("2", { cursor: "f:1" })], { cursor: "f:1" });
    server.sendEvents(state(2, "2", "completed"));
    expect(ids()).toEqual(["2"]);
    expect(task("2").state).toBe("completed");
  });

  it("discards an answer from before a restart", async () => {
    let answer = (_: Response) => {};
    server.answers.set("GET tasks/0", () => new Promise<Response>((resolve) => (answer = resolve)));
    server.answerSnapshots([]);
    server.sendEvents(event(1, "0", "progress", { done: 1 }));
    server.reconnect();
    server.answerSnapshots([], { cursor: "f:0" });
    answer(json(snapshot("0")));
    await settle();
    expect(ids()).toEqual([]);
  });

  it("drops a task that was deleted elsewhere", async () => {
    server.answerSnapshots([snapshot("3"), snapshot("2", { state: "failed" }), snapshot("1")]);
    server.answers.set("GET tasks?limit=103", page([snapshot("3"), snapshot("1")]));
    server.reconnect();
    server.answerRecovered();
    await settle();
    expect(ids()).toEqual(["3", "1"]);
  });

  it("keeps tasks older or newer than that answer can know", async () => {
    server.answerSnapshots([snapshot("2", { state: "failed" }), snapshot("1", { state: "failed" })]);
    server.answers.set("GET tasks?limit=103", page([snapshot("2")], { more: true }));
    server.reconnect();
    server.answerRecovered();
    server.sendEvents(queued(1, "3"));
    await settle();
    expect(server.requests).toEqual(["GET tasks?limit=103"]);
    expect(ids()).toEqual(["3", "2", "1"]);
  });
});

describe("changes", () => {
  it("reports every state, question and answer, with the previous snapshot", () => {
    server.answerSnapshots([snapshot("1")]);
    server.sendEvents(
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

  it("reports a question that was asked or answered while disconnected", () => {
    const prompt = { prompt_id: "q", text: "which?", choices: null };
    server.answerSnapshots([snapshot("2", { prompt }), snapshot("1")]);
    server.reconnect();
    server.answerSnapshots([snapshot("2"), snapshot("1", { prompt })]);
    expect(changes).toEqual([
      ["2 running 1 asks", "2 running 1"],
      ["1 running 1", "1 running 1 asks"],
    ]);
  });

  it("does not report the initial state", () => {
    server.answerSnapshots([snapshot("1", { state: "failed" }), snapshot("0")]);
    expect(changes).toEqual([]);
  });

  it("calls a listener once for many events", () => {
    let calls = 0;
    list.subscribe(() => (calls += 1));
    server.answerSnapshots([snapshot("1")]);
    calls = 0;
    server.sendEvents(...Array.from({ length: 50 }, (_, n) => event(n + 1, "1", "progress", { done: n })));
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
    server.answerSnapshots([snapshot("4"), snapshot("3")], { more: true });
    await Promise.all([list.loadMore(), list.loadMore()]);
    expect([ids(), list.more]).toEqual([["4", "3", "2"], true]);
    await list.loadMore();
    expect([ids(), list.more]).toEqual([["4", "3", "2", "1"], false]);
  });

  it("does not let an older page overwrite what is newer", async () => {
    server.answers.set("GET tasks?state=running&limit=1000", page([snapshot("1")]));
    server.answers.set("GET tasks?before=3&limit=100", page([snapshot("1")]));
    server.answerSnapshots([snapshot("3")], { more: true });
    await settle();
    server.sendEvents(state(1, "1", "completed"));
    await list.loadMore();
    expect(task("1").state).toBe("completed");
  });

  it("rejects with the server's message", async () => {
    server.answers.set("GET tasks?before=1&limit=100", () => json({ detail: "the journal is busy" }, 503));
    server.answerSnapshots([snapshot("1")], { more: true });
    await expect(list.loadMore()).rejects.toThrow("the journal is busy");
  });

  it("drops a task that was deleted here, and ignores its later events", async () => {
    server.answers.set("DELETE tasks/1", () => new Response(null, { status: 204 }));
    server.answerSnapshots([snapshot("1", { state: "failed" })]);
    expect(await list.remove("1")).toBe(null);
    server.sendEvents(event(1, "1", "progress", { done: 1 }));
    await settle();
    expect(ids()).toEqual([]);
  });

  it("returns why a task cannot be deleted, and keeps it", async () => {
    server.answers.set("DELETE tasks/1", () => json({ detail: "task 1 is running; cancel it first" }, 409));
    server.answers.set("DELETE tasks/2", () => Promise.reject(new TypeError("no network")));
    server.answerSnapshots([snapshot("1")]);
    expect(await list.remove("1")).toBe("task 1 is running; cancel it first");
    expect(await list.remove("2")).toBe("The server does not answer.");
    expect(ids()).toEqual(["1"]);
  });

  it("counts a missing task as deleted", async () => {
    server.answerSnapshots([snapshot("1", { state: "failed" })]);
    expect(await list.remove("1")).toBe(null);
    expect(ids()).toEqual([]);
  });

  it("keeps about a thousand tasks: the oldest ended ones are dropped and can be loaded again", async () => {
    server.answerSnapshots([snapshot("00001", { state: "failed" }), snapshot("00000")]);
    const name = (n: number) => String(n).padStart(5, "0");
    for (let n = 2; n < 3000; n += 1)
      server.sendEvents(queued(2 * n, name(n)), state(2 * n + 1, name(n), "failed"));
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
  it("subscribes to these only, and fetches no others", async () => {
    open(["2", "1"]);
    expect(server.current.sent.at(-1)).toMatchObject({ type: "subscribe", tasks: ["2", "1"] });
    server.answerSnapshots([snapshot("2", { state: "completed" }), snapshot("1")]);
    await settle();
    expect([ids(), list.more, server.requests]).toEqual([["1", "2"], false, []]);
  });
});

describe("sharing", () => {
  it("there is one list for a connection, as long as it has listeners", () => {
    expect(TaskListStore.of(server.connection, server.server)).toBe(list);
    stop();
    expect(TaskListStore.of(server.connection, server.server)).not.toBe(list);
  });

  it("unsubscribes with the last listener", () => {
    server.answerSnapshots([]);
    const leave = list.subscribe(() => {});
    stop();
    expect(server.current.sent.at(-1).type).toBe("subscribe");
    leave();
    leave();
    expect(server.current.sent.at(-1).type).toBe("unsubscribe");
  });

  it("keeps the server's refusal", () => {
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

/** Milliseconds that 20,000 events take in a new list of *count* tasks, each of them in turn. */
function timeOfEvents(count: number): number {
  open();
  const names = Array.from({ length: count }, (_, n) => String(n).padStart(5, "0"));
  server.answerSnapshots(names.map((name) => snapshot(name)));
  const began = performance.now();
  for (let offset = 0; offset < 20_000; offset += count) {
    const progress = { done: offset, total: 20_000 };
    server.sendEvents(
      ...names.map((name, n) => event(offset + n + 1, name, "progress", progress, { time: 1000 + offset })),
    );
    expect(list.tasks.length).toBe(count);
  }
  return performance.now() - began;
}

it("an event costs as much in a list of a thousand tasks as in one of a hundred", () => {
  timeOfEvents(100); // so that both are compiled
  const few = Math.min(timeOfEvents(100), timeOfEvents(100));
  const many = Math.min(timeOfEvents(1000), timeOfEvents(1000));
  expect(many / few).toBeLessThan(4); // ten, if each event looked at each task
});
