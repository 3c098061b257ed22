import { expect, test } from "vitest";
import { TaskStore } from "../../src/model/task_store.js";
import { ScriptedServer, event, json, settle, snapshot, state } from "../support/scripted_server.js";

const log = (offset: number) => event(offset, "t", "log", { stream: "stdout", text: `${offset}\n` });
const lines = (store: TaskStore) => store.log.lines.map((line) => Number(line.text));

function following(): { server: ScriptedServer; store: TaskStore } {
  const server = new ScriptedServer();
  const store = TaskStore.of(server.connection, server.server, "t");
  store.subscribe(() => {});
  server.welcome();
  return { server, store };
}

test("the tail is shown, and not folded a second time", () => {
  const { server, store } = following();
  server.answerSnapshots([snapshot("t", { cursor: "e:9", logs: 5 })], { cursor: "e:3" });
  server.sendEvents(log(4), log(9));
  server.sendEvents(log(10));
  expect(lines(store)).toEqual([4, 9, 10]);
  expect([store.task?.logs, store.earlier]).toEqual([6, 3]);
});

test("it is known that the tail is under way", () => {
  const { server, store } = following();
  server.answerSnapshots([snapshot("t", { cursor: "e:9", logs: 5 })], { cursor: "e:3" });
  expect(store.awaitsTail).toBe(true);
  server.sendEvents(log(4), log(9));
  expect([store.awaitsTail, store.earlier]).toEqual([false, 3]);
});

test("it is known that no tail comes", () => {
  const { server, store } = following();
  server.answerSnapshots([snapshot("t", { cursor: "e:9", logs: 5 })], { cursor: "e:9" });
  expect([store.awaitsTail, store.earlier]).toEqual([false, 5]);
});

test("after a disconnect no line is lost or doubled", () => {
  const { server, store } = following();
  server.answerSnapshots([snapshot("t")]);
  server.sendEvents(log(1), log(2));
  server.disconnect();
  server.advance(20);
  server.welcome();
  server.answerRecovered();
  server.sendEvents(log(3));
  expect(lines(store)).toEqual([1, 2, 3]);
});

test("another journal starts everything over", () => {
  const { server, store } = following();
  server.answerSnapshots([snapshot("t")]);
  server.sendEvents(log(1));
  server.disconnect();
  server.advance(20);
  server.welcome();
  server.answerSnapshots([snapshot("t", { name: "another", cursor: "f:0" })], { cursor: "f:0" });
  expect([store.task?.name, lines(store)]).toEqual(["another", []]);
});

test("views of a task share a store, which is dropped with the last of them", () => {
  const server = new ScriptedServer();
  const store = TaskStore.of(server.connection, server.server, "t");
  const [one, other] = [store.subscribe(() => {}), store.subscribe(() => {})];
  expect(TaskStore.of(server.connection, server.server, "t")).toBe(store);
  one();
  expect(TaskStore.of(server.connection, server.server, "t")).toBe(store);
  other();
  expect(TaskStore.of(server.connection, server.server, "t")).not.toBe(store);
});

test("earlier lines are fetched, before the oldest one, until some are found", async () => {
  const { server, store } = following();
  server.answerSnapshots([snapshot("t", { cursor: "e:100", logs: 3 })], { cursor: "e:99" });
  server.sendEvents(log(100));
  const path = (cursor: string) =>
    `GET tasks/t/events?types=log%2Clost&before=${encodeURIComponent(cursor)}&limit=1000`;
  server.answers.set(path("e:99"), () => json({ events: [], cursor: "e:50", more: true }));
  server.answers.set(path("e:50"), () => json({ events: [log(7), log(9)], cursor: "e:6", more: false }));
  store.log.hold(server);
  await Promise.all([store.loadEarlier(), store.loadEarlier()]);
  expect(lines(store)).toEqual([7, 9, 100]);
  expect(server.requests).toEqual([path("e:99"), path("e:50")]);
  expect(store.earlier).toBe(0);
});

test("a refused past rejects with the server's message", async () => {
  const { server, store } = following();
  server.answerSnapshots([snapshot("t", { cursor: "e:100" })], { cursor: "e:100" });
  await expect(store.loadEarlier()).rejects.toThrow("there is no tasks/t/events");
});

test("past messages come before live ones", async () => {
  const { server, store } = following();
  const say = (offset: number) =>
    event(offset, "t", "message", { role: "a", text: `${offset}`, message_id: `${offset}` });
  server.answerSnapshots([snapshot("t", { cursor: "e:5" })], { cursor: "e:5" });
  server.answers.set("GET tasks/t/events?types=message%2Cprompt%2Cinput%2Ccommand&limit=10000", () =>
    json({ events: [say(1), say(5)], cursor: "e:5", more: false }),
  );
  server.answers.set("GET tasks/t/events?types=display&before=e%3A5&limit=30", () =>
    json({ events: [], cursor: "e:0", more: false }),
  );
  store.loadPast();
  server.sendEvents(say(6));
  for (let turn = 0; turn < 20; turn += 1) await settle();
  server.sendEvents(say(7));
  expect(store.conversation.messages.map((one) => one.text)).toEqual(["1", "5", "6", "7"]);
});

test("a past that cannot be loaded is tried again after a delay", async () => {
  const { server, store } = following();
  store.subscribe(() => server.requests.length < 20 && store.loadPast());
  server.answerSnapshots([snapshot("t")]);
  for (let turn = 0; turn < 5; turn += 1) await settle();
  expect(server.requests).toHaveLength(2);
  server.advance(5);
  store.loadPast();
  await settle();
  expect(server.requests).toHaveLength(4);
  server.disconnect();
  server.advance(5);
  store.loadPast();
  expect(server.requests).toHaveLength(4);
});

test("past displays are loaded when a view becomes visible", async () => {
  const { server, store } = following();
  const display = (offset: number) => event(offset, "t", "display", { data: { "text/plain": `${offset}` } });
  server.answerSnapshots([snapshot("t", { cursor: "e:5" })], { cursor: "e:5" });
  server.sendEvents(display(6));
  server.answers.set("GET tasks/t/events?types=display&before=e%3A6&limit=30", () =>
    json({ events: [display(6)], cursor: "e:0", more: false }),
  );
  store.loadPast();
  server.sendEvents(display(7));
  for (let turn = 0; turn < 5; turn += 1) await settle();
  expect(store.gallery.displays.map((one) => one.id)).toEqual(["o6", "o7"]);
});

test("loading stops with the last view", async () => {
  const server = new ScriptedServer();
  const store = TaskStore.of(server.connection, server.server, "t");
  const leave = store.subscribe(() => {});
  server.welcome();
  server.answerSnapshots([snapshot("t")]);
  server.answers.set("GET tasks/t/events?types=message%2Cprompt%2Cinput%2Ccommand&limit=10000", () =>
    json({ events: [], cursor: "e:1", more: true }),
  );
  store.loadPast();
  leave();
  for (let turn = 0; turn < 5; turn += 1) await settle();
  expect(server.requests).toHaveLength(2);
});

test("a silent running task is checked for a stalled process", () => {
  const { server, store } = following();
  server.answerSnapshots([snapshot("t")]);
  server.advance(21);
  store.checkStalled();
  server.answerSnapshots([snapshot("t", { stalled_since: 990 })]);
  expect(store.task?.stalled_since).toBe(990);
  store.checkStalled();
  expect(server.current.sent.filter((frame) => frame.type === "subscribe")).toHaveLength(2);
});

test("what a queued task waits for is told at first, and forgotten when it begins", () => {
  const { server, store } = following();
  const waiting = { why: "retry", text: "attempt 2 of 3 in 30s", until: 1030 };
  server.answerSnapshots([snapshot("t", { state: "queued", waiting })]);
  expect(store.task?.waiting).toEqual(waiting);
  server.sendEvents(state(3, "t", "running"));
  expect(store.task?.waiting).toBeNull();
});

test("a queued task is asked now and then what it waits for", () => {
  const { server, store } = following();
  server.answerSnapshots([snapshot("t", { state: "queued" })]);
  server.advance(11);
  store.checkStalled();
  const waiting = { why: "workers", text: "waits for a worker: all 2 workers are busy", until: null };
  server.answerSnapshots([snapshot("t", { state: "queued", waiting })]);
  expect(store.task?.waiting).toEqual(waiting);
});

test("a task that ends is asked about: what could run it again may be gone", () => {
  const { server, store } = following();
  server.answerSnapshots([snapshot("t")]);
  server.sendEvents(state(3, "t", "failed"));
  server.answerSnapshots([snapshot("t", { state: "failed", retriable: false })]);
  expect(store.task?.retriable).toBe(false);
});

test("a new attempt resets the rate", () => {
  const { server, store } = following();
  server.answerSnapshots([
    snapshot("t", { state: "failed", progress: { done: 5, total: 9, message: null } }),
  ]);
  server.sendEvents(state(1, "t", "queued", { attempt: 2 }), state(2, "t", "running", { attempt: 2 }));
  expect([store.task?.attempt, store.task?.progress]).toEqual([2, null]);
  server.sendEvents(event(3, "t", "progress", { done: 7, total: 9 }, { attempt: 2, time: 1000 }));
  expect(store.rateMeter.rate(store.task!, 1000)).toBeNull();
});
