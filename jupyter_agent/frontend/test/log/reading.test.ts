import { beforeEach, expect, test } from "vitest";
import { Reading } from "../../src/log/reading.js";
import { TaskStore } from "../../src/model/task_store.js";
import type { TaskEvent } from "../../src/net/types.js";
import { event, json, ScriptedServer, settle, snapshot } from "../support/scripted_server.js";

const record = (offset: number, text: string, level = "ERROR") =>
  event(offset, "t", "log", { stream: "logging", level, text: `${text}\n` });

let server: ScriptedServer;
let store: TaskStore;
let reading: Reading;
let jobs: Promise<unknown>[];

beforeEach(() => {
  server = new ScriptedServer();
  store = TaskStore.of(server.connection, server.server, "t");
  jobs = [];
  reading = new Reading({ changed() {}, show() {}, reset() {}, attempt: (job) => void jobs.push(job) });
  store.subscribe(() => reading.update());
  server.welcome();
  server.answerSnapshots([snapshot("t", { logs: 2, cursor: "e:2" })]);
  reading.open(store);
});

/** Let the server answer every request with these events. */
function answerEvents(...events: TaskEvent[]): void {
  const page = { events, cursor: "e:0", more: false, looked: events.length };
  server.server.fetch = () => Promise.resolve(json(page));
}

async function done(): Promise<void> {
  await settle();
  await Promise.all(jobs);
}

const shown = () => reading.sources.shown!.log.lines.map((line) => line.text);

test("a level does not double what a subscription sends again", async () => {
  answerEvents(record(1, "one"), record(2, "two"));
  await reading.setLevel("error");
  server.sendEvents(record(1, "one"), record(2, "two"), record(3, "three")); // its tail, and what is new
  expect(shown()).toEqual(["one", "two", "three"]);
});

test("a level is opened anew when the subscription has begun anew, and shows each line once", async () => {
  answerEvents(record(1, "one"), record(2, "two"));
  await reading.setLevel("error");
  server.sendEvents(record(3, "three"));
  answerEvents(record(5, "two"), record(6, "three"), record(8, "missed"));
  server.reconnect();
  server.answerSnapshots([snapshot("t", { logs: 3, cursor: "f:8" })], { cursor: "f:4" });
  server.send({
    ...{ type: "events", id: server.current.sent.findLast((frame) => frame.type === "subscribe").id },
    ...{ prev: "f:4", cursor: "f:8", events: [record(5, "two"), record(6, "three"), record(8, "missed")] },
  });
  expect(shown()).toEqual(["one", "two", "three"]); // until the answer is there
  await done();
  expect(shown()).toEqual(["two", "three", "missed"]);
  expect(reading.level).toBe("error");
});

test("a search is repeated when the subscription has begun anew", async () => {
  answerEvents(record(1, "needle of before"));
  await reading.search("needle");
  expect(reading.status).toBe("1 of 1");
  answerEvents(record(1, "needle one"), record(2, "needle two"));
  server.reconnect();
  server.answerSnapshots([snapshot("t", { logs: 2, cursor: "f:2" })], { cursor: "f:2" });
  await done();
  expect(reading.status).toMatch(/of 2$/);
});

test("a task that the new journal does not have leaves its level", async () => {
  answerEvents(record(1, "one"));
  await reading.setLevel("error");
  server.reconnect();
  server.answerSnapshots([], { cursor: "f:0" });
  await done();
  expect([reading.level, shown()]).toEqual([null, []]);
});

test("a level that cannot be loaded is left", async () => {
  server.server.fetch = () => Promise.resolve(json({ message: "busy" }, 400));
  await expect(reading.setLevel("error")).rejects.toThrow("busy");
  expect(reading.level).toBeNull();
});

test("a level that is answered after the subscription has begun anew is not that of before", async () => {
  let answer = (_: Response) => {};
  server.server.fetch = () => new Promise((resolve) => (answer = resolve));
  const old = reading.setLevel("error");
  const answerOld = answer;
  answerEvents(record(1, "new"));
  server.reconnect();
  server.answerSnapshots([snapshot("t", { logs: 1, cursor: "f:1" })], { cursor: "f:1" });
  await done();
  answerOld(json({ events: [record(1, "old")], cursor: "e:0", more: false, looked: 1 }));
  await old;
  expect(shown()).toEqual(["new"]);
});
