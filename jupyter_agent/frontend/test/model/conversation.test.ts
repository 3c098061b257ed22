import { expect, test } from "vitest";
import { Conversation } from "../../src/model/conversation.js";
import { event } from "../support/event.js";

test("the parts of a message are joined, and a whole one replaces them", () => {
  const talk = new Conversation();
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
  const talk = new Conversation();
  talk.add(event(1, "prompt", { prompt_id: "p", text: "Deploy?", choices: ["yes"] }));
  talk.add(event(2, "input", { prompt_id: "p", text: "yes" }));
  expect(talk.messages).toMatchObject([
    { role: "assistant", text: "Deploy?", prompt: true },
    { role: "user", text: "yes" },
  ]);
});

test("an accepted answer is there at once, with who gave it, and once", () => {
  const talk = new Conversation();
  talk.add(event(1, "command", { command: "input", args: { prompt_id: "p", text: "yes" }, by: "ada" }));
  expect(talk.messages).toMatchObject([{ role: "user", text: "yes", by: "ada", unread: true }]);
  talk.add(event(2, "input", { prompt_id: "p", text: "yes" }));
  expect(talk.messages).toEqual([{ id: "ap", role: "user", text: "yes", by: "ada" }]);
});

test("what the task got is its answer, whatever the holder took before", () => {
  const talk = new Conversation();
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
