import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { openRunForm } from "../../src/run/index.js";
import type { RunElement } from "../../src/run/run_element.js";
import type { Server } from "../../src/net/server.js";
import type { RunOptions, RunOutcome } from "../../src/screens/run_options.js";
import { json, settle } from "../support/scripted_server.js";

const PARAMETERS = [
  {
    name: "city",
    required: false,
    default: "'Oslo'",
    value: "Oslo",
    annotation: "str",
    choices: null,
    comment: "where",
    secret: false,
  },
  {
    name: "token",
    required: false,
    default: "••••",
    value: null,
    annotation: null,
    choices: null,
    comment: null,
    secret: true,
  },
  {
    name: "fast",
    required: false,
    default: "False",
    value: false,
    annotation: null,
    choices: null,
    comment: null,
    secret: false,
  },
];
const TARGET = { target: { kind: "notebook" }, name: "a", parameters: PARAMETERS, more: false, note: null };
const PREVIEW = { text: "every hour", timezone: "UTC", next: [{ due: 0, text: "1970-01-01 00:00:00" }] };

let answer: (method: string, path: string, body: string) => Promise<Response> | Response;
let outcome: Promise<RunOutcome | null>;

async function open(options: RunOptions): Promise<void> {
  const fetch = async (path: string, { method = "GET", body = "" }: RequestInit = {}) =>
    answer(method, path, body as string);
  outcome = openRunForm({ base: "http://x/", fetch } as unknown as Server, options);
  await drawn();
}

const form = () => document.querySelector<RunElement>("jupyter-agent-run");
const input = (name: string) => document.querySelector<HTMLInputElement>(`#jar-${name}`)!;
const textOf = (place: string) => document.querySelector(place)?.textContent.replace(/\s+/g, " ").trim();

async function drawn(): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    await settle();
    await form()?.updateComplete;
  }
}

async function type(name: string, text: string): Promise<void> {
  input(name).value = text;
  input(name).dispatchEvent(new Event("input"));
  await drawn();
}

async function submit(): Promise<void> {
  document.querySelector("form")!.dispatchEvent(new Event("submit", { cancelable: true }));
  await drawn();
}

beforeEach(() => {
  answer = (_, path) => json(path.startsWith("targets") ? TARGET : PREVIEW);
});

afterEach(() => {
  vi.useRealTimers();
  document.body.replaceChildren();
});

it("has the target's own parameters as fields, a secret's without its text", async () => {
  await open({ path: "a.ipynb" });
  expect(input("p-city").value).toBe("Oslo");
  expect([input("p-token").type, input("p-token").value]).toEqual(["password", ""]);
  expect(document.querySelector("select#jar-p-fast")).not.toBe(null);
  expect(textOf("#jar-p-city-hint")).toBe("where");
});

it("shows what would be sent though the target that is entered now does not declare it", async () => {
  await open({ path: "a.ipynb" });
  await type("p-city", "Bergen");
  answer = (_, path) => json(path.startsWith("targets") ? { ...TARGET, parameters: [] } : PREVIEW);
  vi.useFakeTimers();
  input("target").value = "b.ipynb";
  input("target").dispatchEvent(new Event("input"));
  await vi.runAllTimersAsync();
  vi.useRealTimers();
  await drawn();
  expect(input("p-city").value).toBe("Bergen");
});

it("says why the server refuses, keeps what was typed, and closes with the task", async () => {
  await open({ path: "a.ipynb" });
  await type("p-city", "Bergen");
  const bodies: string[] = [];
  answer = (method, _, body) => {
    bodies.push(`${method} ${body}`);
    return bodies.length === 1 ? json({ detail: "the disk is full" }, 503) : json({ id: "T" }, 201);
  };
  await submit();
  expect(textOf('[role="alert"]')).toBe("the disk is full");
  expect(input("p-city").value).toBe("Bergen");
  await submit();
  expect(bodies[1]).toBe('POST {"target":"a.ipynb","parameters":{"city":"Bergen"}}');
  expect(await outcome).toEqual({ task: { id: "T" } });
  expect(document.querySelector("dialog")).toBe(null);
});

it("shows the answer about the target that is entered, not about an earlier one", async () => {
  vi.useFakeTimers();
  let answerLate = (_: Response) => {};
  answer = () => new Promise<Response>((resolve) => (answerLate = resolve));
  const opened = open({ path: "first.ipynb" });
  await vi.runAllTimersAsync();
  await opened;
  answer = () => json({ detail: "there is no notebook second.ipynb" }, 400);
  input("target").value = "second.ipynb";
  input("target").dispatchEvent(new Event("input"));
  await vi.runAllTimersAsync();
  answerLate(json(TARGET));
  await vi.runAllTimersAsync();
  await form()!.updateComplete;
  expect(textOf("#jar-target-error")).toBe("there is no notebook second.ipynb");
  expect(document.querySelector("#jar-p-city")).toBe(null);
});

it("previews the next runs of a trigger, and offers no task that runs now where a schedule is edited", async () => {
  await open({ path: "a.ipynb", scheduled: true });
  expect(textOf(".jar-preview p")).toBe("Runs every hour. Times in UTC.");
  expect(textOf(".jar-preview li")).toBe("Thu 1970-01-01 00:00:00");
  expect(textOf(".jar-primary")).toBe("Schedule");
  document.body.replaceChildren();
  const schedule = {
    id: "S",
    name: "n",
    target: { kind: "command", argv: ["ls", "a b"] },
    trigger: { kind: "every", seconds: 60 },
  };
  await open({
    schedule: { retries: 0, timeout: null, timezone: "UTC", overlap: "skip", ...schedule } as any,
  });
  expect(
    [...document.querySelectorAll('[name="jar-when"]')].map((one) => (one as HTMLInputElement).value),
  ).toEqual(["at", "every", "cron"]);
  expect([input("target").value, textOf("#jar-heading"), textOf(".jar-primary")]).toEqual([
    "ls 'a b'",
    "Edit n",
    "Save",
  ]);
});

it("keeps its further fields open when one of them is emptied", async () => {
  await open({ path: "a.ipynb" });
  const more = input("retries").closest("details")!;
  more.open = true;
  await type("retries", "2");
  await type("retries", "");
  expect(more.open).toBe(true);
});

const OF_FUNCTION = {
  ...{ id: "S", name: "n", retries: 0, timeout: null, timezone: "UTC", overlap: "skip", cwd: "/" },
  target: { kind: "function", function: "a:b", parameters: { city: "5" } },
  trigger: { kind: "every", seconds: 60 },
} as any;

it("leaves a schedule's parameters to its own target, and has them again with it", async () => {
  await open({ schedule: OF_FUNCTION });
  expect(input("p-city").value).toBe("5");
  await type("target", "a:other");
  expect(input("p-city").value).toBe("Oslo");
  let sent = "";
  answer = (_, __, body) => ((sent = body), json({ detail: "not now" }, 409));
  await submit();
  expect(sent).toBe('{"target":"a:other","parameters":{}}');
  await type("target", "a:b");
  expect(input("p-city").value).toBe("5");
});

it("closed while the server is asked, it opens what came of it, or is shown again with the refusal", async () => {
  await open({ path: "a.ipynb" });
  let respond = (_: Response) => {};
  answer = () => new Promise<Response>((resolve) => (respond = resolve));
  const dialog = document.querySelector("dialog")!;
  await submit();
  dialog.close();
  await drawn();
  respond(json({ detail: "the disk is full" }, 503));
  await drawn();
  expect([dialog.open, textOf('[role="alert"]')]).toEqual([true, "the disk is full"]);
  await submit();
  dialog.close();
  respond(json({ id: "T" }, 201));
  expect(await outcome).toEqual({ task: { id: "T" } });
  expect(document.querySelector("dialog")).toBe(null);
});

it("sends nothing where nothing of a schedule was changed", async () => {
  const schedule = OF_FUNCTION;
  await open({ schedule });
  expect(input("p-city").value).toBe("5");
  answer = () => json({ detail: "sent" }, 400);
  await submit();
  expect(await outcome).toEqual({ schedule });
});

it("says when the server would run the target as something else than what is chosen", async () => {
  answer = (_, path) => json(path.startsWith("targets") ? { ...TARGET, target: { kind: "agent" } } : PREVIEW);
  await open({ path: "report" });
  expect(textOf("#jar-target-error")).toBe("The server would run this as text for the agent.");
});

it("can be sent again after an answer that is not the server's", async () => {
  await open({ path: "a.ipynb" });
  answer = () => new Response("<html>Log in</html>");
  await submit();
  expect(textOf('[role="alert"]')).toContain("you may have to log in");
  expect(document.querySelector<HTMLButtonElement>(".jar-primary")!.disabled).toBe(false);
});
