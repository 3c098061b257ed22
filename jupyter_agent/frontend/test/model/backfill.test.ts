import { expect, test } from "vitest";
import { Backfill } from "../../src/model/backfill.js";
import { Conversation, CONVERSATION_TYPES } from "../../src/model/conversation.js";
import type { TaskEvent } from "../../src/net/types.js";
import { event } from "../support/event.js";

const say = (offset: number) =>
  event(offset, "message", { role: "a", text: `${offset}`, message_id: `${offset}` });
const texts = (conversation: Conversation) => conversation.messages.map((one) => Number(one.text));

test("events that arrive during the backfill follow the past, once", async () => {
  const conversation = new Conversation();
  const fill = new Backfill(conversation, CONVERSATION_TYPES);
  fill.add(say(1));
  async function* pages(): AsyncGenerator<TaskEvent[]> {
    yield [say(1), say(2)];
    fill.add(say(3));
    fill.add(say(4));
    yield [say(3)];
  }
  await fill.load(pages, () => {});
  fill.add(say(5));
  expect(texts(conversation)).toEqual([1, 2, 3, 4, 5]);
});

test("a failed backfill leaves the store empty and is tried again", async () => {
  const conversation = new Conversation();
  const fill = new Backfill(conversation, CONVERSATION_TYPES);
  async function* broken(): AsyncGenerator<TaskEvent[]> {
    yield [say(1)];
    throw new Error("the server is away");
  }
  await fill.load(broken, () => {});
  expect([texts(conversation), fill.error]).toEqual([[], "the server is away"]);
  await fill.load(
    async function* () {
      yield [say(1), say(2)];
    },
    () => {},
  );
  expect([texts(conversation), fill.error]).toEqual([[1, 2], null]);
});

test("an answer from before a clear is discarded", async () => {
  const conversation = new Conversation();
  const fill = new Backfill(conversation, CONVERSATION_TYPES);
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
  expect(texts(conversation)).toEqual([7]);
});
