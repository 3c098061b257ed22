import { expect, test } from "vitest";
import { Backfill } from "../../src/model/backfill.js";
import { Conversation, CONVERSATION_TYPES } from "../../src/model/conversation.js";
import type { TaskEvent } from "../../src/net/types.js";
import { event } from "../support/event.js";

const say = (offset: number) =>
  event(offset, "message", { role: "a", text: `${offset}`, message_id: `${offset}` });
const said = (talk: Conversation) => talk.messages.map((one) => Number(one.text));

test("what comes live while the past is loaded comes after it, once", async () => {
  const talk = new Conversation();
  const fill = new Backfill(talk, CONVERSATION_TYPES);
  fill.add(say(1));
  async function* pages(): AsyncGenerator<TaskEvent[]> {
    yield [say(1), say(2)];
    fill.add(say(3));
    fill.add(say(4));
    yield [say(3)];
  }
  await fill.load(pages, () => {});
  fill.add(say(5));
  expect(said(talk)).toEqual([1, 2, 3, 4, 5]);
});

test("a past that cannot be had leaves nothing half done, and is asked for again", async () => {
  const talk = new Conversation();
  const fill = new Backfill(talk, CONVERSATION_TYPES);
  async function* broken(): AsyncGenerator<TaskEvent[]> {
    yield [say(1)];
    throw new Error("the server is away");
  }
  await fill.load(broken, () => {});
  expect([said(talk), fill.error]).toEqual([[], "the server is away"]);
  await fill.load(
    async function* () {
      yield [say(1), say(2)];
    },
    () => {},
  );
  expect([said(talk), fill.error]).toEqual([[1, 2], null]);
});

test("an answer that comes after everything started over is not used", async () => {
  const talk = new Conversation();
  const fill = new Backfill(talk, CONVERSATION_TYPES);
  async function* slow(): AsyncGenerator<TaskEvent[]> {
    fill.clear();
    yield [say(1)];
  }
  await fill.load(slow, () => {});
  await fill.load(
    async function* () {
      yield [say(7)];
    },
    () => {},
  );
  expect(said(talk)).toEqual([7]);
});
