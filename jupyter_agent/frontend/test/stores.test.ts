import { expect, test } from "vitest";
import { Backfill } from "../src/model/backfill.js";
import { Metrics, MOST_POINTS, Series } from "../src/model/series.js";
import { Gallery, Talk, TALK_TYPES } from "../src/model/conversation.js";
import type { TaskEvent } from "../src/net/types.js";
import { event } from "./event.js";

test("a series keeps its highest and lowest values in bounded memory", () => {
  const series = new Series();
  for (let x = 0; x < 100_000; x += 1)
    series.add({ x, y: x === 77_777 ? 50 : x === 33_333 ? -50 : Math.sin(x) });
  expect(series.drawn.length).toBeLessThanOrEqual(MOST_POINTS + 2);
  const values = series.drawn.map((spot) => spot.y);
  expect([Math.min(...values), Math.max(...values)]).toEqual([-50, 50]);
  expect(series.points).toBe(100_000);
  expect(series.drawn.at(-1)!.x).toBeGreaterThan(99_000);
  const xs = series.drawn.map((spot) => spot.x);
  expect(xs).toEqual([...xs].sort((a, b) => a - b));
});

test("metrics of an attempt before are forgotten, and late ones of it are not taken", () => {
  const metrics = new Metrics();
  const metric = (offset: number, value: number, attempt: number) =>
    event(offset, "metric", { name: "loss", value, step: offset }, { attempt });
  metrics.add(metric(1, 9, 1));
  metrics.add(event(2, "state", { state: "queued" }, { attempt: 2 }));
  metrics.add(metric(3, 8, 1));
  metrics.add(metric(4, 7, 2));
  metrics.add(metric(4, 7, 2));
  expect(metrics.series.get("loss")!.drawn).toEqual([{ x: 4, y: 7 }]);
});

test("the parts of a message are joined, and a whole one replaces them", () => {
  const talk = new Talk();
  const say = (offset: number, text: string, delta: boolean, id = "m") =>
    talk.add(event(offset, "message", { role: "assistant", text, delta, message_id: id }));
  say(1, "Hel", true);
  say(2, "lo", true);
  say(2, "lo", true);
  expect(talk.messages.map((one) => one.text)).toEqual(["Hello"]);
  say(3, "other", false, "n");
  say(4, "Hello!", false);
  expect(talk.messages.map((one) => one.text)).toEqual(["Hello!", "other"]);
});

test("a question and its answer are part of the conversation", () => {
  const talk = new Talk();
  talk.add(event(1, "prompt", { prompt_id: "p", text: "Deploy?", choices: ["yes"] }));
  talk.add(event(2, "input", { prompt_id: "p", text: "yes" }));
  expect(talk.messages).toMatchObject([
    { role: "assistant", text: "Deploy?", prompt: true },
    { role: "user", text: "yes" },
  ]);
});

test("an accepted answer is there at once, with who gave it, and once", () => {
  const talk = new Talk();
  talk.add(event(1, "command", { command: "input", args: { prompt_id: "p", text: "yes" }, by: "ada" }));
  expect(talk.messages).toMatchObject([{ role: "user", text: "yes", by: "ada", waiting: true }]);
  talk.add(event(2, "input", { prompt_id: "p", text: "yes" }));
  expect(talk.messages).toEqual([{ id: "ap", role: "user", text: "yes", by: "ada" }]);
});

test("what the task got is its answer, whatever the holder took before", () => {
  const talk = new Talk();
  talk.add(event(1, "command", { command: "input", args: { prompt_id: "p", text: "yes" }, by: "ada" }));
  talk.add(event(2, "input", { prompt_id: "p", text: "no", role: "default" }));
  talk.add(event(3, "command", { command: "cancel" }));
  talk.add(event(4, "command", { command: "input", args: { text: "unasked" } }));
  talk.add(event(5, "input", { text: "unasked" }));
  expect(talk.messages).toEqual([
    { id: "ap", role: "default", text: "no", by: null },
    { id: "i5", role: "user", text: "unasked", by: null },
  ]);
});

test("a display with a known id replaces the one before, and only the newest are kept", () => {
  const gallery = new Gallery();
  gallery.add(event(1, "display", { data: { "text/plain": "a" }, display_id: "x" }));
  gallery.add(event(2, "display", { data: { "text/plain": "b" }, display_id: "x" }));
  expect(gallery.shown.map((one) => one.data)).toEqual([{ "text/plain": "b" }]);
  for (let n = 3; n < 103; n += 1) gallery.add(event(n, "display", { data: { "text/plain": `${n}` } }));
  expect([gallery.shown.length, gallery.dropped]).toEqual([50, 51]);
});

const say = (offset: number) =>
  event(offset, "message", { role: "a", text: `${offset}`, message_id: `${offset}` });
const said = (talk: Talk) => talk.messages.map((one) => Number(one.text));

test("what comes live while the past is loaded comes after it, once", async () => {
  const talk = new Talk();
  const fill = new Backfill(talk, TALK_TYPES);
  fill.add(say(1));
  async function* pages(): AsyncGenerator<TaskEvent[]> {
    yield [say(1), say(2)];
    fill.add(say(3));
    fill.add(say(4));
    yield [say(3)];
  }
  await fill.want(pages, () => {});
  fill.add(say(5));
  expect(said(talk)).toEqual([1, 2, 3, 4, 5]);
});

test("a past that cannot be had leaves nothing half done, and is asked for again", async () => {
  const talk = new Talk();
  const fill = new Backfill(talk, TALK_TYPES);
  async function* broken(): AsyncGenerator<TaskEvent[]> {
    yield [say(1)];
    throw new Error("the server is away");
  }
  await fill.want(broken, () => {});
  expect([said(talk), fill.trouble]).toEqual([[], "the server is away"]);
  await fill.want(
    async function* () {
      yield [say(1), say(2)];
    },
    () => {},
  );
  expect([said(talk), fill.trouble]).toEqual([[1, 2], null]);
});

test("an answer that comes after everything started over is not used", async () => {
  const talk = new Talk();
  const fill = new Backfill(talk, TALK_TYPES);
  async function* slow(): AsyncGenerator<TaskEvent[]> {
    fill.clear();
    yield [say(1)];
  }
  await fill.want(slow, () => {});
  await fill.want(
    async function* () {
      yield [say(7)];
    },
    () => {},
  );
  expect(said(talk)).toEqual([7]);
});
