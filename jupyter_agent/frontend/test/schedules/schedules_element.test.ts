import { afterEach, beforeEach, describe, expect, it } from "vitest";
import "../../src/schedules/index.js";
import type { ForwardsElement } from "../../src/schedules/forwards_element.js";
import type { SchedulesElement } from "../../src/schedules/schedules_element.js";
import { json, settle } from "../support/scripted_server.js";

const SCHEDULE = {
  id: "S",
  name: "nightly",
  target: { kind: "notebook", path: "/home/ada/train.ipynb", parameters: { epochs: 5 } },
  trigger: { kind: "cron", expression: "0 3 * * *", timezone: "UTC" },
  text: "at 03:00 (UTC)",
  paused: false,
  next: null,
  runs: [
    { task: "T2", due: 20, state: "failed", started: 20, ended: 23, duration: 3 },
    { task: "T1", due: 10, state: null, started: null, ended: null, duration: null },
  ],
};
const FORWARD = {
  id: "F",
  url: "wss://example.org/events",
  tasks: null,
  types: ["state"],
  headers: ["Authorization"],
  format: "json",
  state: "waiting",
  delivered: 1200,
  lag: 3,
  error: "the peer is away",
};

let answers: Record<string, () => Response>;
let requests: [string, string, unknown][];
let element: SchedulesElement | ForwardsElement;

async function show(name: "schedules" | "forwards"): Promise<void> {
  element = document.createElement(`jupyter-agent-${name}`) as typeof element;
  const fetch = async (path: string, { method = "GET", body }: RequestInit = {}) => {
    if (method !== "GET") requests.push([method, path, body && JSON.parse(body as string)]);
    return answers[`${method} ${path}`]!();
  };
  Object.assign(element, { server: { base: "http://x/", login: { isExpired: false }, fetch } });
  document.body.append(element);
  await drawn();
}

async function drawn(): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    await settle();
    await element.updateComplete;
  }
}

const labels = () =>
  [...element.querySelectorAll(".jas-row button")].map((one) => one.getAttribute("aria-label"));
const textOf = (place: string) => element.querySelector(place)?.textContent.replace(/\s+/g, " ").trim();

async function press(label: string): Promise<void> {
  element.querySelector<HTMLElement>(`[aria-label="${label}"]`)!.click();
  await drawn();
}

beforeEach(() => {
  requests = [];
  answers = {
    "GET health": () => json({ rights: ["read", "write", "execute"] }),
    "GET schedules": () => json({ schedules: [SCHEDULE] }),
    "GET forwards": () => json({ forwards: [FORWARD] }),
  };
});

afterEach(() => element.remove());

describe("a schedule", () => {
  it("says what it runs, when, and what became of its last runs, oldest first", async () => {
    await show("schedules");
    expect(textOf(".jas-title")).toBe("nightly train.ipynb epochs=5");
    expect(textOf(".jas-when")).toBe("at 03:00 (UTC)");
    expect(textOf(".jas-next")).toBe("Will not run again");
    const marks = [...element.querySelectorAll<HTMLElement>(".jas-mark")];
    expect(marks.map((mark) => mark.dataset.state)).toEqual(["gone", "failed"]);
    expect(marks[1]!.textContent).toMatch(/^failed in 3.0s, .* ago, due /);
    expect(marks[1]!.getAttribute("href")).toBe("http://x/jupyter-agent/?task=T2");
  });

  it("opens a run's task, and the form, where the page shows them", async () => {
    await show("schedules");
    const told: unknown[] = [];
    for (const name of ["ja-open", "ja-run"]) {
      document.body.addEventListener(name, (event) => told.push((event as CustomEvent).detail), {
        once: true,
      });
    }
    element.querySelector<HTMLElement>("a.jas-mark")!.click();
    await press("Edit nightly");
    expect(told).toEqual(["T2", { schedule: SCHEDULE }]);
  });

  it("has only the buttons that the user may press", async () => {
    answers["GET health"] = () => json({ rights: ["read"] });
    await show("schedules");
    expect(element.querySelectorAll("button")).toHaveLength(0);
    element.remove();
    answers["GET health"] = () => json({ rights: ["read", "write"] });
    await show("schedules");
    expect(labels()).toEqual(["Pause nightly", "Delete nightly"]);
  });

  it("is paused, and shows why it does not run", async () => {
    answers["POST schedules/S/commands"] = () => json({}, 202);
    await show("schedules");
    answers["GET schedules"] = () => json({ schedules: [{ ...SCHEDULE, paused: true }] });
    await press("Pause nightly");
    expect(requests).toEqual([["POST", "schedules/S/commands", { command: "pause" }]]);
    expect(labels()).toContain("Resume nightly");
    answers["POST schedules/S/commands"] = () => json({ detail: "the previous run has not ended" }, 409);
    await press("Run nightly now");
    expect(textOf('[role="alert"]')).toBe("the previous run has not ended");
  });

  it("keeps the focus on a button while the server is asked, and asks once", async () => {
    answers["POST schedules/S/commands"] = () => json({}, 202);
    await show("schedules");
    const run = element.querySelector<HTMLButtonElement>('[data-act="run"]')!;
    run.focus();
    run.click();
    await element.updateComplete;
    expect([run.getAttribute("aria-disabled"), run.disabled]).toEqual(["true", false]);
    run.click();
    await drawn();
    expect(requests).toHaveLength(1);
    expect(run.hasAttribute("aria-disabled")).toBe(false);
    expect(document.activeElement).toBe(run);
  });

  it("is deleted at once for the reader, and is back when that is undone", async () => {
    await show("schedules");
    element.querySelector<HTMLElement>('[data-act="delete"]')!.focus();
    await press("Delete nightly");
    expect(textOf(".jas-undo")).toMatch(/^Deleting nightly in \ds Undo Now$/);
    expect([labels(), textOf(".jas-empty")]).toEqual([[], expect.stringContaining("No schedules.")]);
    expect(document.activeElement!.textContent).toBe("Undo");
    (document.activeElement as HTMLElement).click();
    await drawn();
    expect(document.activeElement!.getAttribute("aria-label")).toBe("Delete nightly");
    expect(element.querySelector(".jas-undo")).toBe(null);
    expect(requests).toEqual([]);
  });

  it("is deleted for the server once it is not undone, also by a view that was opened anew", async () => {
    answers["DELETE schedules/S"] = () => new Response(null, { status: 204 });
    await show("schedules");
    await press("Delete nightly");
    const { server } = element;
    element.remove();
    element = document.createElement("jupyter-agent-schedules") as typeof element;
    Object.assign(element, { server });
    document.body.append(element);
    await drawn();
    expect(labels()).toEqual([]);
    [...element.querySelectorAll("button")].find((button) => button.textContent === "Now")!.click();
    await drawn();
    expect(requests).toEqual([["DELETE", "schedules/S", undefined]]);
    expect(textOf(".jas-undo span")).toBe("Deleted nightly.");
  });

  it("can be kept, too, in a view that was moved on the page", async () => {
    await show("schedules");
    await press("Delete nightly");
    element.remove();
    document.body.append(element);
    await drawn();
    element.querySelector<HTMLElement>("[data-undo]")!.click();
    await drawn();
    expect(labels()).toContain("Delete nightly");
    expect(requests).toEqual([]);
  });

  it("is deleted, too, where another reader was faster", async () => {
    answers["DELETE schedules/S"] = () => json({ detail: "there is no such schedule" }, 404);
    await show("schedules");
    await press("Delete nightly");
    [...element.querySelectorAll("button")].find((button) => button.textContent === "Now")!.click();
    await drawn();
    expect(textOf(".jas-undo span")).toBe("Deleted nightly.");
  });

  it("is back, with the reason, when the server does not delete it", async () => {
    answers["DELETE schedules/S"] = () => json({ detail: "the disk is full" }, 503);
    await show("schedules");
    await press("Delete nightly");
    [...element.querySelectorAll("button")].find((button) => button.textContent === "Now")!.click();
    await drawn();
    expect(textOf(".jas-undo span")).toBe("Not deleted: the disk is full");
    expect(labels()).toContain("Delete nightly");
  });

  it("is not deleted by the second click of a double click on the row before it", async () => {
    await show("schedules");
    const twice = new MouseEvent("click", { detail: 2 });
    element.querySelector('[aria-label="Delete nightly"]')!.dispatchEvent(twice);
    await drawn();
    expect(element.querySelector(".jas-undo")).toBe(null);
  });

  it("stays, and says that it may be old, while the server cannot be reached", async () => {
    await show("schedules");
    answers["GET schedules"] = () => {
      throw new TypeError("Failed to fetch");
    };
    await element.refresh();
    await drawn();
    expect(textOf(".jas-trouble")).toBe("The server cannot be reached; what is shown may be old.");
    expect(textOf(".jas-name")).toBe("nightly");
  });
});

describe("a forward", () => {
  it("is removed with a chance to undo it", async () => {
    await show("forwards");
    await press("Remove the forward to wss://example.org/events");
    expect(textOf(".jas-undo span")).toMatch(/^Deleting the forward to wss:\/\/example.org\/events in/);
    expect(requests).toEqual([]);
  });

  it("says where it leads, what it sends, and how far it is", async () => {
    await show("forwards");
    expect(textOf(".jas-name")).toBe("wss://example.org/events");
    expect(textOf(".jas-when")).toBe("state of all tasks, with Authorization");
    expect(textOf(".jas-next")).toBe("waiting 1,200 delivered, 3 behind");
    expect(textOf(".jas-error")).toBe("the peer is away");
  });

  it("is added by a form, which keeps what was typed when the server refuses it", async () => {
    answers["POST forwards"] = () => json({ detail: "it begins with ws:// or wss://" }, 400);
    await show("forwards");
    element.querySelector<HTMLElement>(".jas-add")!.click();
    await drawn();
    const input = (name: string) => element.querySelector<HTMLInputElement>(`input[name="${name}"]`)!;
    expect(document.activeElement).toBe(input("url"));
    input("url").value = "http://example.org";
    input("types").value = "state, metric";
    input("authorization").value = "Bearer x";
    element.querySelector("form")!.dispatchEvent(new Event("submit", { cancelable: true }));
    await drawn();
    expect(textOf('form [role="alert"]')).toBe("it begins with ws:// or wss://");
    expect(input("url").value).toBe("http://example.org");
    answers["POST forwards"] = () => json(FORWARD, 201);
    element.querySelector("form")!.dispatchEvent(new Event("submit", { cancelable: true }));
    await drawn();
    expect(requests.at(-1)).toEqual([
      "POST",
      "forwards",
      {
        url: "http://example.org",
        from_start: false,
        types: ["state", "metric"],
        headers: { Authorization: "Bearer x" },
      },
    ]);
    expect(element.querySelector("form")).toBe(null);
  });
});
