import { beforeEach, describe, expect, it } from "vitest";
import { TaskWindow } from "../../src/timeline/task_window.js";
import type { Server } from "../../src/net/server.js";
import { json, settle } from "../support/scripted_server.js";
import { task } from "../support/task.js";

const WINDOW = { from: 1000, to: 2000 };

let answer: (path: string) => Response | Promise<Response>;
let requests: string[];
let drawn: number;
let tasks: TaskWindow;

beforeEach(() => {
  [requests, drawn] = [[], 0];
  const fetch = async (path: string) => {
    requests.push(path);
    return answer(path);
  };
  tasks = new TaskWindow({ fetch } as unknown as Server, () => (drawn += 1));
});

describe("the tasks of a time", () => {
  it("are those of the window that was loaded last", async () => {
    answer = () => json({ tasks: [task("a"), task("b")], more: false });
    await tasks.load(WINDOW);
    answer = (path) =>
      json({ tasks: [task(path.includes("before") ? "b" : "c")], more: !path.includes("before") });
    await tasks.load(WINDOW);
    expect([...tasks.tasks.keys()]).toEqual(["c", "b"]);
    expect(tasks.cutAt).toBeNull();
  });

  it("and those that were queued before it and reach into it", async () => {
    const ran = (id: string, ended: number | null) => ({ ...task(id), ended, created: 500 });
    answer = (path) => {
      const isEarlier = path.includes("until=1000");
      return json({
        tasks: isEarlier ? [ran("over", 990), ran("in", 1100), ran("on", null)] : [],
        more: false,
      });
    };
    await tasks.load(WINDOW);
    expect([...tasks.tasks.keys()]).toEqual(["in", "on"]);
    expect(new URLSearchParams(requests.at(-1)!.split("?")[1]).get("since")).toBe(String(1000 - 86_400));
  });

  it("stay, with the server's reason, when it refuses", async () => {
    answer = () => json({ tasks: [task("a")], more: false });
    await tasks.load(WINDOW);
    answer = () => json({ detail: "the disk is full" }, 503);
    await tasks.load(WINDOW);
    expect([[...tasks.tasks.keys()], tasks.error]).toEqual([["a"], "the disk is full"]);
  });
});

describe("many tasks, and slow answers", () => {
  it("are the newest of a time with more than are kept", async () => {
    let page = 0;
    answer = () => {
      page += 1;
      const made = (_: unknown, at: number) => ({ ...task(`${page}-${at}`), created: 10_000 - page });
      return json({ tasks: Array.from({ length: 500 }, made), more: true });
    };
    await tasks.load(WINDOW);
    expect(tasks.tasks.size).toBe(4000 + 2000);
    expect(tasks.cutAt).toBe(10_000 - 8); // what is older reaches into the window; between the two, some are missing
  });

  it("are not those of an earlier window that is answered late", async () => {
    let answerLate: (response: Response) => void = () => {};
    answer = () => new Promise<Response>((resolve) => (answerLate = resolve));
    const early = tasks.load(WINDOW);
    answer = () => json({ tasks: [task("b")], more: false });
    await tasks.load(WINDOW);
    answerLate(json({ tasks: [task("a")], more: false }));
    await early;
    expect([...tasks.tasks.keys()]).toEqual(["b"]);
  });

  it("are as they were, and it is said, when a proxy answers with its own page", async () => {
    answer = () => json({ tasks: [task("a")], more: false });
    await tasks.load(WINDOW);
    answer = () => new Response("<html>");
    await tasks.load(WINDOW);
    expect([...tasks.tasks.keys()]).toEqual(["a"]);
    expect(tasks.error).toContain("log in");
  });
});

describe("earlier attempts", () => {
  const state = (attempt: number, time: number, name: string) => ({
    type: "state",
    attempt,
    time,
    data: { state: name },
  });

  async function show(attempt: number): Promise<void> {
    tasks.loadAttempts([{ ...task("a"), attempt }]);
    for (let round = 0; round < 4; round += 1) await settle();
  }

  it("are asked for once, also where their events are gone", async () => {
    answer = () => json({ events: [state(3, 30, "running")], cursor: "e:1", more: false });
    await show(1);
    expect(requests).toEqual([]);
    for (let drawing = 0; drawing < 3; drawing += 1) await show(3);
    expect(requests).toHaveLength(1);
    await show(4);
    expect(requests).toHaveLength(2);
  });

  it("are whole where a page of events ends in the middle of one", async () => {
    answer = (path) =>
      path.includes("after")
        ? json({ events: [state(1, 30, "failed"), state(2, 40, "queued")], cursor: "e:3", more: false })
        : json({ events: [state(1, 10, "queued"), state(1, 20, "running")], cursor: "e:2", more: true });
    await show(2);
    expect(tasks.earlier.get("a")![0]).toEqual({
      attempt: 1,
      state: "failed",
      queued: 10,
      started: 20,
      ended: 30,
    });
    expect(drawn).toBe(1);
  });

  it("of fifty tasks stay the same while the same tasks are shown, and make room for others", async () => {
    answer = () => json({ events: [state(1, 10, "failed")], cursor: "e:1", more: false });
    const repeated = Array.from({ length: 50 }, (_, at) => ({ ...task(`t${at}`), attempt: 2 }));
    const load = async (shown: typeof repeated) => {
      tasks.loadAttempts(shown);
      for (let round = 0; round < 4; round += 1) await settle();
    };
    await load(repeated);
    const { earlier } = tasks;
    await load(repeated);
    expect(tasks.earlier).toBe(earlier); // another map makes all rows again
    await load([{ ...task("a"), attempt: 2 }]);
    expect([...tasks.earlier.keys()]).toEqual(["a"]);
  });
});
