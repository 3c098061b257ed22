import { afterEach, expect, it } from "vitest";
import { ConversationView } from "../../src/element/conversation_view.js";
import type { Snapshot } from "../../src/net/types.js";
import { settle } from "../support/scripted_server.js";
import { task } from "../support/task.js";

customElements.define("jupyter-agent-talk", ConversationView);

function asking(prompt: string | null, ...choices: string[]): Snapshot {
  const messages = [{ message_id: 1, role: "user", text: "go on" }];
  const asked = prompt === null ? null : { prompt_id: prompt, text: `${prompt}?`, choices };
  return { ...task("T"), state: "running", messages, prompt: asked } as unknown as Snapshot;
}

async function answerOne(): Promise<ConversationView> {
  const view = Object.assign(document.createElement("jupyter-agent-talk"), {
    task: asking("one", "yes", "no"),
    answer: async () => true,
  }) as unknown as ConversationView;
  document.body.append(view);
  await view.updateComplete;
  const choice = view.querySelector<HTMLElement>(".ja-choices button")!;
  choice.focus();
  choice.click();
  await settle();
  await show(view, asking(null));
  return view;
}

async function show(view: ConversationView, shown: Snapshot): Promise<void> {
  view.task = shown;
  await view.updateComplete;
}

afterEach(() => document.body.replaceChildren());

it("moves the focus from an answered choice to the field, then to the next question", async () => {
  const view = await answerOne();
  expect(document.activeElement).toBe(view.querySelector(".ja-answer"));
  await show(view, asking("two", "left", "right"));
  expect(document.activeElement!.textContent).toBe("left");
});

it("leaves the focus where the user has taken it, also when that is nowhere", async () => {
  const view = await answerOne();
  (document.activeElement as HTMLElement).blur();
  await show(view, asking("two", "left", "right"));
  expect(document.activeElement).toBe(document.body);
});

it("shows a question without a form to one who may only read", async () => {
  const view = await answerOne();
  view.answer = null;
  await show(view, asking("two", "left", "right"));
  expect(view.textContent).toContain("two?");
  expect(view.querySelectorAll("form, input, button").length).toBe(0);
});
