import { expect, test } from "vitest";
import { TaskStore } from "../../src/model/task_store.js";
import { Scripted, event, json, settle, snapshot, state } from "../support/scripted_server.js";

const log = (offset: number) => event(offset, "t", "log", { stream: "stdout", text: `${offset}\n` });
const lines = (feed: TaskStore) => feed.log.lines.map((line) => Number(line.text));

function following(): { page: Scripted; feed: TaskStore } {
  const page = new Scripted();
  const feed = TaskStore.of(page.connection, page.server, "t");
  feed.subscribe(() => {});
  page.open();
  return { page, feed };
}

test("the tail before the live events is shown, and not folded a second time", () => {
  const { page, feed } = following();
  page.start([snapshot("t", { cursor: "e:9", logs: 5 })], { cursor: "e:3" });
  page.tell(log(4), log(9));
  page.tell(log(10));
  expect(lines(feed)).toEqual([4, 9, 10]);
  expect([feed.task?.logs, feed.earlier]).toEqual([6, 3]);
});

test("after a cut it goes on without a line lost or doubled", () => {
  const { page, feed } = following();
  page.start([snapshot("t")]);
  page.tell(log(1), log(2));
  page.cut();
  page.pass(20);
  page.open();
  page.goOn();
  page.tell(log(3));
  expect(lines(feed)).toEqual([1, 2, 3]);
});

test("another journal starts everything over", () => {
  const { page, feed } = following();
  page.start([snapshot("t")]);
  page.tell(log(1));
  page.cut();
  page.pass(20);
  page.open();
  page.start([snapshot("t", { name: "another", cursor: "f:0" })], { cursor: "f:0" });
  expect([feed.task?.name, lines(feed)]).toEqual(["another", []]);
});

test("views of the same task share what is known; the last one to go lets it go", () => {
  const page = new Scripted();
  const feed = TaskStore.of(page.connection, page.server, "t");
  const [one, other] = [feed.subscribe(() => {}), feed.subscribe(() => {})];
  expect(TaskStore.of(page.connection, page.server, "t")).toBe(feed);
  one();
  expect(TaskStore.of(page.connection, page.server, "t")).toBe(feed);
  other();
  expect(TaskStore.of(page.connection, page.server, "t")).not.toBe(feed);
});

test("earlier lines are asked for until some are found, from the oldest that is there", async () => {
  const { page, feed } = following();
  page.start([snapshot("t", { cursor: "e:100", logs: 3 })], { cursor: "e:99" });
  page.tell(log(100));
  const path = (cursor: string) =>
    `GET tasks/t/events?types=log%2Clost&before=${encodeURIComponent(cursor)}&limit=1000`;
  page.answers.set(path("e:99"), () => json({ events: [], cursor: "e:50", more: true }));
  page.answers.set(path("e:50"), () => json({ events: [log(7), log(9)], cursor: "e:6", more: false }));
  feed.log.hold(page);
  await Promise.all([feed.loadEarlier(), feed.loadEarlier()]);
  expect(lines(feed)).toEqual([7, 9, 100]);
  expect(page.asked).toEqual([path("e:99"), path("e:50")]);
  expect(feed.earlier).toBe(0);
});

test("a past that the server refuses is told in its words", async () => {
  const { page, feed } = following();
  page.start([snapshot("t", { cursor: "e:100" })], { cursor: "e:100" });
  await expect(feed.loadEarlier()).rejects.toThrow("there is no tasks/t/events");
});

test("what was said before the page was there comes before what is said now", async () => {
  const { page, feed } = following();
  const say = (offset: number) =>
    event(offset, "t", "message", { role: "a", text: `${offset}`, message_id: `${offset}` });
  page.start([snapshot("t", { cursor: "e:5" })], { cursor: "e:5" });
  page.answers.set("GET tasks/t/events?types=message%2Cprompt%2Cinput%2Ccommand&limit=10000", () =>
    json({ events: [say(1), say(5)], cursor: "e:5", more: false }),
  );
  page.answers.set("GET tasks/t/events?types=display&before=e%3A5&limit=30", () =>
    json({ events: [], cursor: "e:0", more: false }),
  );
  feed.loadPast();
  page.tell(say(6));
  for (let turn = 0; turn < 20; turn += 1) await settle();
  page.tell(say(7));
  expect(feed.conversation.messages.map((one) => one.text)).toEqual(["1", "5", "6", "7"]);
});

test("a past that cannot be had is asked for again, but not at once", async () => {
  const { page, feed } = following();
  feed.subscribe(() => page.asked.length < 20 && feed.loadPast());
  page.start([snapshot("t")]);
  for (let turn = 0; turn < 5; turn += 1) await settle();
  expect(page.asked).toHaveLength(2);
  page.pass(5);
  feed.loadPast();
  await settle();
  expect(page.asked).toHaveLength(4);
  page.cut();
  page.pass(5);
  feed.loadPast();
  expect(page.asked).toHaveLength(4);
});

test("what was shown before anybody looked is there when somebody does", async () => {
  const { page, feed } = following();
  const display = (offset: number) => event(offset, "t", "display", { data: { "text/plain": `${offset}` } });
  page.start([snapshot("t", { cursor: "e:5" })], { cursor: "e:5" });
  page.tell(display(6));
  page.answers.set("GET tasks/t/events?types=display&before=e%3A6&limit=30", () =>
    json({ events: [display(6)], cursor: "e:0", more: false }),
  );
  feed.loadPast();
  page.tell(display(7));
  for (let turn = 0; turn < 5; turn += 1) await settle();
  expect(feed.gallery.displays.map((one) => one.id)).toEqual(["o6", "o7"]);
});

test("what is asked for is not asked on for a view that is gone", async () => {
  const page = new Scripted();
  const feed = TaskStore.of(page.connection, page.server, "t");
  const leave = feed.subscribe(() => {});
  page.open();
  page.start([snapshot("t")]);
  page.answers.set("GET tasks/t/events?types=message%2Cprompt%2Cinput%2Ccommand&limit=10000", () =>
    json({ events: [], cursor: "e:1", more: true }),
  );
  feed.loadPast();
  leave();
  for (let turn = 0; turn < 5; turn += 1) await settle();
  expect(page.asked).toHaveLength(2);
});

test("of a silent running task the server is asked whether its process still answers", () => {
  const { page, feed } = following();
  page.start([snapshot("t")]);
  page.pass(21);
  feed.checkStalled();
  page.start([snapshot("t", { stalled_since: 990 })]);
  expect(feed.task?.stalled_since).toBe(990);
  feed.checkStalled();
  expect(page.current.sent.filter((frame) => frame.type === "subscribe")).toHaveLength(2);
});

test("a new attempt starts the speed over", () => {
  const { page, feed } = following();
  page.start([snapshot("t", { state: "failed", progress: { done: 5, total: 9, message: null } })]);
  page.tell(state(1, "t", "queued", { attempt: 2 }), state(2, "t", "running", { attempt: 2 }));
  expect([feed.task?.attempt, feed.task?.progress]).toEqual([2, null]);
  page.tell(event(3, "t", "progress", { done: 7, total: 9 }, { attempt: 2, time: 1000 }));
  expect(feed.rateMeter.rate(feed.task!, 1000)).toBeNull();
});
