import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import "../../src/list/index.js";
import type { ListView } from "../../src/list/filters/arrange.js";
import type { TasksElement } from "../../src/list/index.js";
import * as shared from "../../src/net/connection_pool.js";
import type { Snapshot } from "../../src/net/types.js";
import { json, ScriptedServer, settle, snapshot, state } from "../support/scripted_server.js";

let server: ScriptedServer;
let element: TasksElement;

vi.mock("../../src/net/connection_pool.js", () => ({ sharedConnection: vi.fn() }));

const TASKS = [
  snapshot("5", { name: "train", tags: ["sweep"] }),
  snapshot("4", { name: "train", state: "failed", tags: ["sweep"], ended: 40 }),
  snapshot("3", { name: "train", state: "completed", tags: ["sweep"], ended: 30 }),
  snapshot("2", { name: "crawl", state: "failed", ended: 20 }),
  snapshot("1", { name: "export", state: "completed", ended: 10 }),
];

async function drawn(): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    await settle();
    await element.updateComplete;
  }
}

const ids = () =>
  [...element.querySelectorAll<HTMLElement>(".jal-row")].map((row) => row.dataset.taskId).join("");
const rowOf = (id: string) => element.querySelector<HTMLElement>(`.jal-row[data-task-id="${id}"]`)!;
const selected = () =>
  [...element.querySelectorAll<HTMLElement>(".jal-row[data-selected]")]
    .map((row) => row.dataset.taskId)
    .join("");
const focused = () => document.activeElement?.closest<HTMLElement>(".jal-row")?.dataset.taskId;
const textOf = (selector: string) => element.querySelector(selector)?.textContent.replace(/\s+/g, " ").trim();
const commands = () => server.current.sent.filter((frame) => frame.type === "command");

async function click(selector: string, options: MouseEventInit = {}): Promise<void> {
  const target = element.querySelector<HTMLElement>(selector)!;
  target.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ...options }));
  await drawn();
}

/** Press keys where the focus is; a word is the name of one key. Returns whether the page was kept from them. */
async function press(...keys: string[]): Promise<boolean> {
  let kept = true;
  for (const name of keys) {
    const [, shift = "", key = ""] = /^(Shift\+)?(.+)$/s.exec(name)!;
    const event = new KeyboardEvent("keydown", {
      key,
      shiftKey: shift !== "",
      bubbles: true,
      cancelable: true,
    });
    document.activeElement!.dispatchEvent(event);
    kept &&= event.defaultPrevented;
    await drawn();
  }
  return kept;
}

async function choose(label: string, value: string): Promise<void> {
  const choice = [...element.querySelectorAll(".jal-choice")].find((one) => one.textContent.includes(label))!;
  const select = choice.querySelector("select")!;
  select.value = value;
  select.dispatchEvent(new Event("change"));
  await drawn();
}

beforeEach(async () => {
  localStorage.clear();
  server = new ScriptedServer();
  vi.mocked(shared.sharedConnection).mockReturnValue(server.connection);
  element = document.createElement("jupyter-agent-tasks");
  element.server = server.server;
  document.body.append(element);
  server.welcome();
  server.answerSnapshots(TASKS);
  await drawn();
});

afterEach(() => element.remove());

describe("the keyboard", () => {
  it("stops at one row, and goes on from there with arrows, j and k", async () => {
    const stops = () => element.querySelectorAll('.jal-row [tabindex="0"]').length;
    const inOneRow = () =>
      new Set([...element.querySelectorAll('.jal-row [tabindex="0"]')].map((one) => one.closest("li"))).size;
    expect([stops() > 0, inOneRow()]).toEqual([true, 1]);
    element.querySelector<HTMLElement>(".jal-search")!.focus();
    await press("ArrowDown");
    expect(focused()).toBe("5");
    await press("j", "ArrowDown", "j", "k");
    expect([focused(), inOneRow(), rowOf("3").querySelectorAll('[tabindex="0"]').length > 0]).toEqual([
      "3",
      1,
      true,
    ]);
    await press("k", "k", "k", "k");
    expect(focused()).toBe("5");
  });

  it("selects rows, ranges, all and none", async () => {
    rowOf("4").querySelector<HTMLElement>(".jal-name")!.focus();
    await press("x", "j", " ");
    expect(selected()).toBe("43");
    await press("Shift+ArrowDown");
    expect([selected(), focused()]).toEqual(["432", "2"]);
    await press("x");
    expect(selected()).toBe("43");
    await press("a");
    expect(selected()).toBe("54321");
    await press("a");
    expect(selected()).toBe("");
    await press("x", "Escape");
    expect(selected()).toBe("");
  });

  it("leaves to the page what means nothing here, and to fields what is typed", async () => {
    rowOf("4").querySelector<HTMLElement>(".jal-name")!.focus();
    expect(await press("Escape")).toBe(false);
    expect(await press("b")).toBe(false);
    element.querySelector<HTMLElement>(".jal-search")!.focus();
    expect(await press("x")).toBe(false);
    (document.activeElement as HTMLElement).blur();
    expect(await press("a")).toBe(false);
    expect(selected()).toBe("");
  });

  it("reaches the list before the page's own keys, which would cut a cell", async () => {
    const page = vi.fn();
    document.addEventListener("keydown", page, true);
    rowOf("4").querySelector<HTMLElement>(".jal-name")!.focus();
    await press("x");
    document.removeEventListener("keydown", page, true);
    expect([selected(), page.mock.calls.length]).toEqual(["4", 0]);
  });

  it("deletes what is selected, and the focus stays in the list", async () => {
    rowOf("4").querySelector<HTMLElement>(".jal-name")!.focus();
    await press("Delete");
    expect([ids(), focused()]).toEqual(["5321", "3"]);
    await press("x", "j", "x", "Delete");
    expect([ids(), textOf(".jal-undo-text")]).toEqual(["51", "Deleting 2 tasks in 8s"]);
    expect(focused()).toBe("1");
  });
});

describe("selected tasks", () => {
  it("are chosen by checkboxes, a range with Shift, and the bar says for how many an action is", async () => {
    await click('[data-task-id="5"] .jal-check');
    await click('[data-task-id="2"] .jal-check', { shiftKey: true });
    expect(selected()).toBe("5432");
    expect(textOf(".jal-selected")).toBe("4 selected Compare Cancel 1Retry 2Delete 3 ✕");
    await click(".jal-selected .jal-clear");
    expect([selected(), element.querySelector(".jal-selected")]).toEqual(["", null]);
  });

  it("are retried at once, those that can be", async () => {
    element.querySelector<HTMLElement>(".jal-name")!.focus();
    await press("a");
    await click('[data-bulk="retry"]');
    expect(commands().map(({ task, command }) => [task, command])).toEqual([
      ["4", "retry"],
      ["2", "retry"],
    ]);
  });

  it("are deleted together, unless that is undone", async () => {
    element.querySelector<HTMLElement>(".jal-name")!.focus();
    await press("a");
    await click('[data-bulk="delete"]');
    expect([ids(), selected()]).toEqual(["5", "5"]);
    await click("[data-undo]");
    expect(ids()).toBe("54321");
    server.advance(100);
    await drawn();
    expect(server.requests).toEqual([]);
  });

  it("are cancelled together some seconds later, and one at once", async () => {
    server.sendEvents(state(1, "4", "queued", { attempt: 2 }));
    await drawn();
    await click('[data-task-id="5"] .jal-check');
    await click('[data-bulk="cancel"]');
    expect(commands().map(({ task }) => task)).toEqual(["5"]);
    await click('[data-task-id="4"] .jal-check');
    await click('[data-bulk="cancel"]');
    expect(textOf(".jal-undo-text")).toBe("Cancelling 2 tasks in 8s");
    expect([ids(), server.requests]).toEqual(["54321", []]);
    server.answers.set("POST tasks/5/commands", () => json({}, 202));
    server.answers.set("POST tasks/4/commands", () => json({ detail: "it has ended" }, 409));
    server.advance(8);
    await drawn();
    expect(server.requests.sort()).toEqual(["POST tasks/4/commands", "POST tasks/5/commands"]);
    expect(element.querySelector(".jal-undo")).toBe(null);
  });

  it("are compared by the page", async () => {
    const compared: string[][] = [];
    element.addEventListener("ja-compare", (event) => compared.push((event as CustomEvent<string[]>).detail));
    await click('[data-task-id="5"] .jal-check');
    expect(textOf(".jal-selected")).not.toContain("Compare");
    await click('[data-task-id="3"] .jal-check');
    const compare = [...element.querySelectorAll<HTMLElement>(".jal-selected button")].find(
      (one) => one.textContent === "Compare",
    );
    compare!.click();
    expect(compared).toEqual([["5", "3"]]);
  });
});

describe("the view", () => {
  it("is told when the user changes it, and its fields are chips that can be removed", async () => {
    const views: ListView[] = [];
    element.addEventListener("ja-view", (event) => views.push((event as CustomEvent<ListView>).detail));
    await click(".jal-view");
    await choose("Tag", "sweep");
    expect([ids(), element.querySelector<HTMLInputElement>(".jal-search")!.value]).toEqual([
      "543",
      "tag:sweep",
    ]);
    await click('[data-filter="failed"]');
    expect([ids(), views.at(-1)!.query]).toEqual(["4", "tag:sweep state:failed"]);
    await click(".jal-token");
    expect([ids(), views.at(-1)!.query]).toEqual(["42", "state:failed"]);
    await click('[data-filter="failed"]');
    expect([ids(), views.at(-1)!.query]).toEqual(["54321", ""]);
  });

  it("offers to compare a group that has something to compare", async () => {
    let asked: string[] = [];
    const fits = ["9", "7", "8"].map((id) => snapshot(id, { name: "fit", params: { lr: id } }));
    element.remove();
    element = document.createElement("jupyter-agent-tasks");
    element.server = null;
    element.snapshots = [...fits, ...TASKS];
    element.addEventListener("ja-compare", ({ detail }: CustomEventInit<string[]>) => (asked = detail!));
    document.body.append(element);
    await drawn();
    await click(".jal-view");
    await choose("Group by", "name");
    const offers = [...element.querySelectorAll(".jal-compare")].map((one) => one.getAttribute("aria-label"));
    expect(offers).toEqual(["Compare the 3 runs of fit"]);
    await click(".jal-compare");
    expect(asked).toEqual(["7", "8", "9"]);
    expect(element.querySelector('[data-group="fit"] .jal-row')).toBeNull();
  });

  it("begins with the order and the groups that it keeps", async () => {
    element.keepsAs = "panel";
    await drawn();
    element.show({ sort: "name", group: "tag", query: "crawl" });
    const other = Object.assign(document.createElement("jupyter-agent-tasks"), {
      server: server.server,
      keepsAs: "panel",
    });
    document.body.append(other);
    await drawn();
    await other.updateComplete;
    expect(other.view).toEqual({ query: "", sort: "name", reversed: false, group: "tag" });
    other.remove();
  });

  it("sorts, and groups with counts, which open and are selected as one", async () => {
    await click(".jal-view");
    await choose("Sort by", "name");
    expect(ids()).toBe("21543");
    await choose("Group by", "name");
    expect(ids()).toBe("");
    const heads = [...element.querySelectorAll(".jal-group-head")].map((head) =>
      head.textContent.replace(/\s+/g, " ").trim(),
    );
    expect(heads).toEqual(["crawl 1 failed", "export 1 completed", "train 1 running1 completed1 failed"]);
    await click('[data-group="train"] .jal-fold');
    expect([ids(), element.querySelectorAll('.jal-fold[aria-expanded="true"]').length]).toEqual(["543", 1]);
    element.querySelector<HTMLElement>('[data-group="export"] .jal-fold')!.focus();
    await press("j", "x");
    expect(textOf(".jal-selected-count")).toBe("3 selected");
    await press("j", "x", "k", "x");
    expect(textOf(".jal-selected-count")).toBe("3 selected");
  });

  it("is saved, shown again by its chip, and deleted", async () => {
    await click(".jal-view");
    await click('[data-filter="failed"]');
    element.querySelector<HTMLInputElement>(".jal-save input")!.value = " broken ";
    element.querySelector("form")!.dispatchEvent(new Event("submit", { cancelable: true }));
    await drawn();
    await click('[data-filter="all"]');
    expect([ids(), element.querySelector("[data-saved]")!.getAttribute("aria-pressed")]).toEqual([
      "54321",
      "false",
    ]);
    await click('[data-saved="broken"]');
    expect([ids(), element.querySelector("[data-saved]")!.getAttribute("aria-pressed")]).toEqual([
      "42",
      "true",
    ]);
    await click(".jal-saved-one button");
    expect(element.querySelector("[data-saved]")).toBe(null);
  });

  it("can be cleared of its ended tasks", async () => {
    await click(".jal-view");
    await click('[data-filter="completed"]');
    await click('[data-bulk="ended"]');
    await click('[data-filter="all"]');
    expect([ids(), textOf(".jal-undo-text")]).toEqual(["542", "Deleting 2 tasks in 8s"]);
  });
});

describe("the menu of a row", () => {
  it("has every action, is used with the keyboard, and gives the focus back", async () => {
    const opened: Snapshot[] = [];
    element.addEventListener("ja-open", (event) => opened.push((event as CustomEvent<Snapshot>).detail));
    await click('[data-task-id="4"] .jal-dots');
    const items = [...element.querySelectorAll(".jal-item")].map((item) => item.textContent);
    expect(items).toEqual(["Open", "Retry", "Select", "Select all 3 of this name", "Copy id", "Delete"]);
    await press("ArrowDown", "ArrowUp", "ArrowUp");
    expect(document.activeElement!.textContent).toBe("Delete");
    await press("Escape");
    expect([element.querySelector(".jal-menu"), focused(), ids()]).toEqual([null, "4", "54321"]);
    await click('[data-task-id="4"] .jal-dots');
    await click('[data-item="alike"]');
    expect([selected(), element.querySelector(".jal-menu"), opened]).toEqual(["543", null, []]);
  });

  it("closes when something else is pressed", async () => {
    await click('[data-task-id="4"] .jal-dots');
    document.body.dispatchEvent(new Event("pointerdown", { bubbles: true }));
    await drawn();
    expect(element.querySelector(".jal-menu")).toBe(null);
  });
});

describe("a click on a row", () => {
  it("opens the task; with Shift it selects, and beside the checkbox it does neither", async () => {
    const opened: string[] = [];
    element.addEventListener("ja-open", (event) => opened.push((event as CustomEvent<Snapshot>).detail.id));
    await click('[data-task-id="3"] .jal-measure');
    expect(opened).toEqual(["3"]);
    await click('[data-task-id="5"] .jal-name', { shiftKey: true });
    await click('[data-task-id="3"] .jal-name', { shiftKey: true });
    expect([selected(), opened]).toEqual(["543", ["3"]]);
  });
});
