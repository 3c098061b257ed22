import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import "../../src/list/index.js";
import type { TasksElement } from "../../src/list/index.js";
import * as shared from "../../src/net/connection_pool.js";
import type { Snapshot } from "../../src/net/types.js";
import { event, json, queued, ScriptedServer, settle, snapshot, state } from "../support/scripted_server.js";

let server: ScriptedServer;
let element: TasksElement;

vi.mock("../../src/net/connection_pool.js", () => ({ sharedConnection: vi.fn() }));

async function show(fields: Partial<TasksElement> = {}): Promise<void> {
  element = document.createElement("jupyter-agent-tasks");
  Object.assign(element, { server: server.server, ...fields });
  document.body.append(element);
  if (server.sockets.length > 0) server.welcome();
  await drawn();
}

async function drawn(): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    await settle();
    await element.updateComplete;
  }
}

const rows = () => [...element.querySelectorAll<HTMLElement>("li[data-task-id]")];
const names = () => rows().map((row) => row.querySelector(".jal-name")!.textContent);
const rowOf = (id: string) => rows().find((row) => row.dataset.taskId === id)!;
const buttons = (id: string) =>
  [...rowOf(id).querySelectorAll(".jal-actions .jal-button:not(.jal-dots), .jal-answers .jal-button")].map(
    (button) => button.getAttribute("aria-label"),
  );
const textOf = (id: string) => rowOf(id).textContent.replace(/\s+/g, " ").trim();
const commands = () => server.current.sent.filter((frame) => frame.type === "command");

async function press(id: string, word: string): Promise<void> {
  rowOf(id).querySelector<HTMLElement>(`[aria-label="${word}"]`)!.click();
  await drawn();
}

async function type(query: string): Promise<void> {
  const field = element.querySelector<HTMLInputElement>('input[type="search"]')!;
  field.value = query;
  field.dispatchEvent(new Event("input"));
  await drawn();
}

async function choose(filter: string): Promise<void> {
  element.querySelector<HTMLElement>(`[data-filter="${filter}"]`)!.click();
  await drawn();
}

beforeEach(() => {
  server = new ScriptedServer();
  vi.mocked(shared.sharedConnection).mockReturnValue(server.connection);
});

afterEach(() => element.remove());

describe("rows", () => {
  it("have their task, its state and the connection's status", async () => {
    await show();
    expect(element.dataset.connection).toBe("connecting");
    server.answerSnapshots([snapshot("1", { name: "train" }), snapshot("0", { state: "failed" })]);
    await drawn();
    expect(element.dataset.connection).toBe("live");
    expect(rows().map((row) => [row.dataset.taskId, row.dataset.state])).toEqual([
      ["1", "running"],
      ["0", "failed"],
    ]);
    server.disconnect();
    await drawn();
    expect(element.dataset.connection).toBe("connecting");
    expect(element.textContent).toContain("Connecting…");
  });

  it("stand below what the server says about its health, while it says so", async () => {
    await show();
    server.answerSnapshots([snapshot("1")]);
    server.send({ type: "heartbeat", now: 0, cursors: {}, trouble: ["the disk is full"] });
    await drawn();
    expect(element.querySelector(".jal-link")!.textContent).toBe("the disk is full");
    server.send({ type: "heartbeat", now: 0, cursors: {}, trouble: [] });
    await drawn();
    expect(element.querySelector(".jal-link")).toBe(null);
  });

  it("have a progress bar with its value as text", async () => {
    await show();
    server.answerSnapshots([snapshot("1", { progress: { done: 43, total: 100, message: "epoch 4" } })]);
    await drawn();
    const bar = rowOf("1").querySelector('[role="progressbar"]')!;
    const values = ["aria-valuenow", "aria-valuemax", "aria-valuetext", "aria-label"].map((name) =>
      bar.getAttribute(name),
    );
    expect(values).toEqual(["43", "100", "43%", "Progress of task 1"]);
    expect(textOf("1")).toContain("task 1 running 43%");
    expect(textOf("1")).toContain("epoch 4");
    expect(bar.querySelector("[style]")!.getAttribute("style")).toMatch(/translateX\(-57[.%]/);
  });

  it("show the code in a question", async () => {
    const prompt = { prompt_id: "q", text: "Is it `price` or `price_eur`? It costs 5`.", choices: null };
    await show();
    server.answerSnapshots([snapshot("1", { prompt })]);
    await drawn();
    const note = rowOf("1").querySelector(".jal-note")!;
    expect([...note.querySelectorAll("code")].map((code) => code.textContent)).toEqual([
      "price",
      "price_eur",
    ]);
    expect(note.textContent).toBe("Is it price or price_eur? It costs 5`.");
  });

  it("that are named and none say nothing of a connection", async () => {
    await show({ ids: [] });
    expect(element.textContent.trim()).toBe("No tasks.");
  });

  it("show the parameters under the name, whole in a tooltip, and none for an older server's task", async () => {
    await show();
    const older = snapshot("2");
    Reflect.deleteProperty(older, "params");
    server.answerSnapshots([older, snapshot("1", { params: { epochs: "12", lr: "3e-4", note: "a\nb" } })]);
    await drawn();
    const shown = rowOf("1").querySelector<HTMLElement>(".jal-params")!;
    expect([shown.textContent, shown.title]).toEqual(Array(2).fill("epochs=12 lr=3e-4 note=a b"));
    expect(rowOf("2").querySelector(".jal-params")).toBeNull();
  });

  it("show the question, the attempt and the notebook", async () => {
    await show();
    const prompt = { prompt_id: "q", text: "cat or dog?", choices: null };
    server.answerSnapshots([snapshot("1", { prompt, attempt: 2, notebook: "/home/ada/a label.ipynb" })]);
    await drawn();
    for (const words of ["waiting for you", "cat or dog?", "attempt 2", "a label.ipynb"])
      expect(textOf("1")).toContain(words);
  });

  it("follow the events", async () => {
    await show();
    server.answerSnapshots([snapshot("1")]);
    server.sendEvents(queued(1, "2"), state(2, "1", "completed"));
    await drawn();
    expect(rows().map((row) => [row.dataset.taskId, row.dataset.state])).toEqual([
      ["2", "queued"],
      ["1", "completed"],
    ]);
  });

  it("keep their elements when others come and go", async () => {
    await show();
    server.answerSnapshots([snapshot("1")]);
    await drawn();
    const before = rowOf("1");
    server.sendEvents(queued(1, "2"), state(2, "2", "running"));
    await drawn();
    expect(rowOf("1")).toBe(before);
  });

  it("show a name as text, even if it looks like markup", async () => {
    await show();
    server.answerSnapshots([snapshot("<b>", { name: "<img src=x onerror=1>\u202e\nx" })]);
    await drawn();
    expect(names()).toEqual(["<img src=x onerror=1> x"]);
    expect(element.querySelector("img, b")).toBe(null);
  });

  it("are drawn once for each frame, however many events have arrived", async () => {
    await show();
    server.answerSnapshots([snapshot("1")]);
    await drawn();
    const draw = vi.spyOn(element as any, "render");
    const frames: (() => void)[] = [];
    vi.spyOn(window, "requestAnimationFrame").mockImplementation((call) => frames.push(() => call(0)));
    for (let n = 1; n <= 100; n += 1) {
      server.sendEvents(event(n, "1", "progress", { done: n, total: 100 }));
      await settle();
    }
    expect([frames.length, draw.mock.calls.length]).toEqual([1, 0]);
    frames[0]!();
    await drawn();
    expect([frames.length, draw.mock.calls.length]).toEqual([1, 1]);
    expect(textOf("1")).toContain("100%");
  });

  it("announce only which task has ended", async () => {
    await show();
    const said = () => element.querySelector('[aria-live="polite"]')!.textContent;
    server.answerSnapshots([snapshot("2", { state: "failed" }), snapshot("1")]);
    server.sendEvents(event(1, "1", "progress", { done: 1, total: 2 }), queued(2, "3"));
    await drawn();
    expect(said()).toBe("");
    server.sendEvents(state(3, "1", "completed"));
    await drawn();
    expect(said()).toBe("task 1 completed");
  });
});

describe("actions", () => {
  it("depend on the state", async () => {
    await show();
    server.answerSnapshots(
      (["running", "queued", "completed", "failed", "cancelled", "interrupted"] as const).map((state) =>
        snapshot(state, { state }),
      ),
    );
    await drawn();
    expect(["running", "queued"].map(buttons)).toEqual([["Cancel"], ["Cancel"]]);
    expect(["failed", "cancelled"].map(buttons)).toEqual(Array(2).fill(["Retry", "Delete"]));
    expect(["completed", "interrupted"].map(buttons)).toEqual(Array(2).fill(["Delete"]));
  });

  it("offer a retry where the server knows what could run it", async () => {
    await show();
    server.answerSnapshots([
      snapshot("there", { state: "interrupted", retriable: true }),
      snapshot("gone", { state: "failed", retriable: false }),
    ]);
    await drawn();
    expect([buttons("there"), buttons("gone")]).toEqual([["Retry", "Delete"], ["Delete"]]);
  });

  it("a choice answers the question once; a refusal is shown", async () => {
    await show();
    const prompt = { prompt_id: "p", text: "Go on?", choices: ["yes", "no"] };
    server.answerSnapshots([
      snapshot("1", { prompt, attempt: 2 }),
      snapshot("2", { prompt: { ...prompt, choices: null } }),
    ]);
    await drawn();
    expect(["1", "2"].map(buttons)).toEqual([["yes", "no", "Cancel"], ["Cancel"]]);
    await press("1", "no");
    await press("1", "yes");
    expect(commands()).toMatchObject([
      { task: "1", attempt: 2, command: "input", args: { text: "no", prompt_id: "p" } },
    ]);
    server.send({
      type: "reply",
      id: commands()[0]!.id,
      ok: false,
      message: "that question has been answered by bob",
    });
    await drawn();
    expect(textOf("1")).toContain("answered by bob");
    server.sendEvents(
      event(
        9,
        "1",
        "command",
        { command: "input", args: { text: "yes", prompt_id: "p" }, by: "bob" },
        { attempt: 2 },
      ),
    );
    await drawn();
    expect(buttons("1")).toEqual(["Cancel"]);
  });

  it("a choice that is still drawn when another question is asked answers neither", async () => {
    await show();
    const prompt = { prompt_id: "p", text: "Keep it?", choices: ["yes", "no"] };
    server.answerSnapshots([snapshot("1", { prompt })]);
    await drawn();
    server.sendEvents(
      event(9, "1", "prompt", { prompt_id: "q", text: "Delete all?", choices: ["yes", "no"] }),
    );
    await press("1", "yes");
    expect(commands()).toEqual([]);
    await press("1", "yes");
    expect(commands()).toMatchObject([{ args: { text: "yes", prompt_id: "q" } }]);
  });

  it("cancel asks the attempt that is shown", async () => {
    await show();
    server.answerSnapshots([snapshot("1", { attempt: 3 })]);
    await drawn();
    await press("1", "Cancel");
    expect(commands()).toMatchObject([{ task: "1", attempt: 3, command: "cancel" }]);
    expect(rowOf("1").querySelector<HTMLButtonElement>('[data-act="cancel"]')!.disabled).toBe(true);
  });

  it("a refusal is shown in the row until the task changes", async () => {
    await show();
    server.answerSnapshots([snapshot("1", { state: "failed" })]);
    await drawn();
    await press("1", "Retry");
    server.send({ type: "reply", id: commands()[0].id, ok: false, message: "its kernel is gone" });
    await drawn();
    expect(textOf("1")).toContain("its kernel is gone");
    server.sendEvents(state(1, "1", "queued", { attempt: 2 }));
    await drawn();
    expect(textOf("1")).not.toContain("its kernel is gone");
  });

  it("a deleted task is gone at once, deleted some seconds later, and there again when that is undone", async () => {
    const removed: string[] = [];
    await show();
    element.addEventListener("ja-removed", (event) =>
      removed.push((event as CustomEvent<Snapshot>).detail.id),
    );
    server.answers.set("DELETE tasks/2", () => new Response(null, { status: 204 }));
    server.answerSnapshots([snapshot("2", { state: "failed" }), snapshot("1", { state: "failed" })]);
    await drawn();
    rowOf("2").querySelector<HTMLElement>('[data-act="delete"]')!.focus();
    await press("2", "Delete");
    expect([names(), removed, server.requests]).toEqual([["task 1"], ["2"], []]);
    expect(document.activeElement!.textContent).toBe("task 1");
    expect(element.querySelector(".jal-undo")!.textContent).toContain("Deleting task 2 in 8s");
    element.querySelector<HTMLElement>("[data-undo]")!.click();
    await drawn();
    expect([names(), element.querySelector(".jal-undo")]).toEqual([["task 2", "task 1"], null]);
    await press("2", "Delete");
    server.advance(8);
    await drawn();
    expect([names(), server.requests]).toEqual([["task 1"], ["DELETE tasks/2"]]);
    expect(element.querySelector(".jal-undo")!.textContent).toContain("Deleted task 2.");
  });

  it("a task that the server does not delete comes back, with the reason", async () => {
    await show();
    server.answers.set("DELETE tasks/1", () => json({ detail: "cancel it first" }, 409));
    server.answerSnapshots([snapshot("1", { state: "failed" })]);
    await drawn();
    await press("1", "Delete");
    server.advance(8);
    await drawn();
    expect(names()).toEqual(["task 1"]);
    expect(element.querySelector(".jal-undo")!.textContent).toContain("Not deleted: cancel it first");
  });

  it("the focus stays with the task when its row moves or the button goes", async () => {
    await show();
    server.answerSnapshots([snapshot("2", { state: "failed", ended: 5000 }), snapshot("1")]);
    await drawn();
    const focused = () => [
      document.activeElement!.closest("li")?.dataset.taskId,
      document.activeElement!.getAttribute("data-act"),
    ];
    rowOf("1").querySelector<HTMLElement>('[data-act="cancel"]')!.focus();
    await press("1", "Cancel");
    expect(focused()).toEqual(["1", "open"]);
    server.sendEvents(state(1, "1", "cancelled"));
    await drawn();
    expect(rows().map((row) => row.dataset.taskId)).toEqual(["2", "1"]);
    rowOf("1").querySelector<HTMLElement>('[data-act="retry"]')!.focus();
    server.sendEvents(state(2, "1", "queued", { attempt: 2 }));
    await drawn();
    expect(rows().map((row) => row.dataset.taskId)).toEqual(["1", "2"]);
    expect(focused()).toEqual(["1", "open"]);
  });

  it("a click on a name opens the task; with a modifier key the browser handles it", async () => {
    await show();
    const opened: Snapshot[] = [];
    element.addEventListener("ja-open", (event) => opened.push((event as CustomEvent<Snapshot>).detail));
    server.answerSnapshots([snapshot("1 2")]);
    await drawn();
    const link = rowOf("1 2").querySelector("a")!;
    expect(link.href).toBe("http://here/jupyter-agent/?task=1%202");
    expect(link.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }))).toBe(false);
    link.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ctrlKey: true }));
    expect(opened.map((task) => task.id)).toEqual(["1 2"]);
  });

  it("a notebook can be opened if the host can", async () => {
    const open = vi.fn();
    await show({ host: { openNotebook: open } });
    server.answerSnapshots([snapshot("1", { notebook: "/a/b.ipynb" })]);
    await drawn();
    rowOf("1").querySelector<HTMLElement>('[data-act="notebook"]')!.click();
    expect(open).toHaveBeenCalledWith(expect.objectContaining({ id: "1" }));
  });
});

describe("a reader, whom the server lets read only,", () => {
  beforeEach(async () => {
    await show();
    server.connection.rights = new Set(["read"]);
    const prompt = { prompt_id: "q", text: "which?", choices: ["a", "b"] };
    server.answerSnapshots([snapshot("2", { prompt }), snapshot("1", { state: "failed", retriable: true })]);
    await drawn();
  });

  it("has no buttons that would be refused, in rows, menus and the bar of what is selected", async () => {
    expect([...buttons("2"), ...buttons("1")]).toEqual([]);
    for (const id of ["2", "1"]) rowOf(id).querySelector<HTMLElement>(".jal-check")!.click();
    await drawn();
    const bar = element.querySelectorAll(".jal-selected button");
    expect([...bar].map((one) => one.textContent)).toEqual(["Compare", "✕"]);
    rowOf("1").querySelector<HTMLElement>('[data-act="menu"]')!.click();
    await drawn();
    const items = [...element.querySelectorAll(".jal-item")].map((one) => one.textContent);
    expect(items).toEqual(["Open", "Deselect", "Copy id"]);
  });

  it("deletes nothing with a key", async () => {
    rowOf("1").querySelector<HTMLElement>(".jal-name")!.focus();
    window.dispatchEvent(new KeyboardEvent("keydown", { key: "Delete" }));
    await drawn();
    expect(rows().length).toBe(2);
    expect(element.querySelector(".jal-undo")).toBe(null);
  });
});

describe("search and filter", () => {
  const tasks = [
    snapshot("4", { name: "Train big", tags: ["gpu"], notebook: "/home/ada/vision.ipynb" }),
    snapshot("3", { name: "crawl", state: "failed" }),
    snapshot("2", { name: "train small", state: "failed" }),
    snapshot("1", { name: "export", state: "completed" }),
  ];

  it("narrow the rows; the counts are those of the matches", async () => {
    await show();
    server.answerSnapshots(tasks);
    await drawn();
    await type("train");
    expect(names()).toEqual(["Train big", "train small"]);
    await choose("failed");
    expect(names()).toEqual(["train small"]);
    const filters = [...element.querySelectorAll("[data-filter]")].map((one) => [
      one.textContent.trim(),
      one.getAttribute("aria-pressed"),
    ]);
    expect(filters).toEqual([
      ["all 2", "false"],
      ["running 1", "false"],
      ["failed 1", "true"],
    ]);
  });

  it("without matches a notice and a reset are shown", async () => {
    await show();
    server.answerSnapshots(tasks);
    await drawn();
    await type("nothing like this");
    expect(element.textContent).toContain("No task here matches.");
    element.querySelector<HTMLElement>(".jal-empty button")!.click();
    await drawn();
    expect(names().length).toBe(4);
  });
});

describe("long lists, short lists, no server", () => {
  it("an empty list shows an example, once the server has confirmed that it is empty", async () => {
    await show();
    expect(element.textContent).not.toContain("No tasks yet");
    server.answerSnapshots([]);
    await drawn();
    expect(element.textContent).toContain("No tasks yet");
    expect(element.textContent).toContain("import jupyter_agent as ja");
  });

  it("draws a hundred rows, and more on demand, before it asks the server", async () => {
    await show();
    const many = Array.from({ length: 250 }, (_, n) => snapshot(String(999 - n), { state: "failed" }));
    server.answers.set("GET tasks?before=750&limit=100", () =>
      json({ tasks: [snapshot("749", { state: "failed" })], more: false, cursor: "e:0" }),
    );
    server.answers.set("GET tasks?state=running&limit=1000", () =>
      json({ tasks: [], more: false, cursor: "e:0" }),
    );
    server.answers.set("GET tasks?state=queued&limit=1000", () =>
      json({ tasks: [], more: false, cursor: "e:0" }),
    );
    server.answerSnapshots(many, { more: true });
    await drawn();
    const more = async () => {
      element.querySelector<HTMLElement>(".jal-more button")!.click();
      await drawn();
    };
    const seen = [rows().length];
    for (let round = 0; round < 2; round += 1) {
      await more();
      seen.push(rows().length);
    }
    expect(seen).toEqual([100, 200, 251]);
    expect(element.querySelector(".jal-more")).toBe(null);
  });

  it("shows why older tasks cannot be loaded", async () => {
    await show();
    server.answers.set("GET tasks?before=1&limit=100", () => json({ detail: "the journal is busy" }, 400));
    server.answerSnapshots([snapshot("1")], { more: true });
    await drawn();
    element.querySelector<HTMLElement>(".jal-more button")!.click();
    await drawn();
    expect(element.textContent).toContain("the journal is busy");
  });

  it("named tasks keep their order, and begin with their known snapshots", async () => {
    const known = [snapshot("2", { name: "two", state: "completed" }), snapshot("1", { name: "one" })];
    await show({ ids: ["2", "1"], snapshots: known });
    expect(names()).toEqual(["two", "one"]);
    server.answerSnapshots([
      snapshot("1", { name: "one", state: "failed" }),
      snapshot("2", { name: "two", state: "completed" }),
    ]);
    await drawn();
    expect(rows().map((row) => row.dataset.state)).toEqual(["completed", "failed"]);
    expect(element.querySelector(".jal-search")).toBe(null);
  });

  it("setting the same ids again does not subscribe again", async () => {
    await show({ ids: ["1"] });
    server.answerSnapshots([snapshot("1")]);
    await drawn();
    const sent = server.current.sent.length;
    element.ids = ["1"];
    await drawn();
    expect(server.current.sent.length).toBe(sent);
    element.ids = ["2"];
    await drawn();
    expect(server.current.sent.slice(sent).map((frame) => [frame.type, frame.tasks])).toEqual([
      ["unsubscribe", undefined],
      ["subscribe", ["2"]],
    ]);
  });

  it("without a server it shows the snapshots", async () => {
    await show({ server: null, ids: ["1"], snapshots: [snapshot("1", { name: "one" })] });
    expect([names(), buttons("1"), element.dataset.connection]).toEqual([["one"], [], "offline"]);
    expect(element.querySelector(".jal-check, .jal-dots")).toBe(null);
  });

  it("unsubscribes when it leaves the page, and subscribes when it returns", async () => {
    await show();
    server.answerSnapshots([snapshot("1")]);
    element.remove();
    expect(server.current.sent.at(-1).type).toBe("unsubscribe");
    document.body.append(element);
    expect(server.current.sent.at(-1).type).toBe("subscribe");
  });

  it("shows why the connection ended", async () => {
    await show();
    server.answerSnapshots([]);
    server.current.onclose!({ code: 4503, reason: "no longer allowed" });
    await drawn();
    expect(element.textContent).toContain("no longer allowed");
    expect(element.dataset.connection).toBe("offline");
  });
});
