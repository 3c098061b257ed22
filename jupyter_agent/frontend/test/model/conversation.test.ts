import { expect, test } from "vitest";
import { Conversation } from "../../src/model/conversation.js";
import { event } from "../support/event.js";

test("the parts of a message are joined, and a whole one replaces them", () => {
  const conversation = new Conversation();
  const say = (offset: number, text: string, delta: boolean, id = "m") =>
    conversation.add(event(offset, "message", { role: "assistant", text, delta, message_id: id }));
  say(1, "Hel", true);
  say(2, "lo", true);
  say(2, "lo", true);
  expect(conversation.messages.map((one) => one.text)).toEqual(["Hello"]);
  say(3, "other", false, "n");
  say(4, "Hello!", false);
  expect(conversation.messages.map((one) => one.text)).toEqual(["Hello!", "other"]);
});

test("a question and its answer are part of the conversation", () => {
  const conversation = new Conversation();
  conversation.add(event(1, "prompt", { prompt_id: "p", text: "Deploy?", choices: ["yes"] }));
  conversation.add(event(2, "input", { prompt_id: "p", text: "yes" }));
  expect(conversation.messages).toMatchObject([
    { role: "assistant", text: "Deploy?", prompt: true },
    { role: "user", text: "yes" },
  ]);
});

test("an accepted answer is shown at once, with its user, and once", () => {
  const conversation = new Conversation();
  conversation.add(
    event(1, "command", { command: "input", args: { prompt_id: "p", text: "yes" }, by: "ada" }),
  );
  expect(conversation.messages).toMatchObject([{ role: "user", text: "yes", by: "ada", unread: true }]);
  conversation.add(event(2, "input", { prompt_id: "p", text: "yes" }));
  expect(conversation.messages).toEqual([{ id: "ap", role: "user", text: "yes", by: "ada" }]);
});

test("the input that the task received replaces an accepted answer", () => {
  const conversation = new Conversation();
  conversation.add(
    event(1, "command", { command: "input", args: { prompt_id: "p", text: "yes" }, by: "ada" }),
  );
  conversation.add(event(2, "input", { prompt_id: "p", text: "no", role: "default" }));
  conversation.add(event(3, "command", { command: "cancel" }));
  conversation.add(event(4, "command", { command: "input", args: { text: "unasked" } }));
  conversation.add(event(5, "input", { text: "unasked" }));
  expect(conversation.messages).toEqual([
    { id: "ap", role: "default", text: "no", by: null },
    { id: "i5", role: "user", text: "unasked", by: null },
  ]);
});
