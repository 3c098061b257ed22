import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WorkerUsage, workersText } from "../../src/list/worker_usage.js";
import type { Server } from "../../src/net/server.js";
import { snapshot } from "../support/scripted_server.js";

const FULL = { running: 2, limit: 2, waiting: 1 };
let workers: typeof FULL | undefined;
let asked: number;
const server = {
  fetch: () => {
    asked += 1;
    return Promise.resolve(new Response(JSON.stringify({ status: "ok", workers })));
  },
} as unknown as Server;

beforeEach(() => {
  vi.useFakeTimers();
  [workers, asked] = [FULL, 0];
});

afterEach(() => void vi.useRealTimers());

describe("the words", () => {
  it.each([
    [null, ""],
    [{ running: 0, limit: 2, waiting: 0 }, ""],
    [{ running: 1, limit: 2, waiting: 0 }, "Workers 1/2"],
    [FULL, "Workers 2/2 · 1 waiting"],
  ])("%j: %j", (known, words) => expect(workersText(known)).toBe(words));
});

describe("the workers", () => {
  it("are asked for at first and when a detached task changes its state, once a second at most", async () => {
    const usage = new WorkerUsage(server);
    const leave = usage.subscribe(() => {});
    usage.explained([snapshot("c", { on: "thread" }), snapshot("d", { on: "detached", state: "failed" })]);
    expect(asked).toBe(0);
    const [queued, running] = [
      snapshot("a", { state: "queued", on: "detached" }),
      snapshot("a", { on: "detached" }),
    ];
    for (let turn = 0; turn < 5; turn += 1) usage.taskChanged(queued, running);
    usage.taskChanged(running, running);
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toBe(1);
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked).toBe(2);
    usage.taskChanged(snapshot("b", { state: "queued", on: "thread" }), snapshot("b", { on: "thread" }));
    leave();
    usage.taskChanged(queued, running);
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked).toBe(2);
  });

  it("explain what tasks wait for that were queued since", async () => {
    const usage = new WorkerUsage(server);
    usage.subscribe(() => {});
    const [queued, retry, thread] = [
      snapshot("a", { state: "queued", on: "detached" }),
      snapshot("b", { state: "queued", on: "detached", reason: "attempt 2 of 3 in 30s" }),
      snapshot("c", { state: "queued", on: "thread" }),
    ];
    const texts = () => usage.explained([queued, retry, thread]).map(({ waiting }) => waiting?.text ?? null);
    expect(texts()).toEqual([null, null, null]);
    await vi.advanceTimersByTimeAsync(0);
    expect(texts()).toEqual(["waits for a worker: all 2 workers are busy", null, null]);
    expect(queued.waiting ?? null).toBeNull();
    workers = { running: 1, limit: 2, waiting: 0 };
    usage.refresh();
    await vi.advanceTimersByTimeAsync(2000);
    expect(texts()).toEqual([null, null, null]);
  });

  it("are asked for again by the first list after a time without any", async () => {
    const usage = new WorkerUsage(server);
    const leave = usage.subscribe(() => {});
    usage.subscribe(() => {})();
    expect(asked).toBe(0);
    usage.refresh();
    await vi.advanceTimersByTimeAsync(5000);
    leave();
    usage.subscribe(() => {});
    usage.subscribe(() => {});
    expect(asked).toBe(2);
  });

  it("of an older server are not shown", async () => {
    workers = undefined;
    const usage = new WorkerUsage(server);
    usage.subscribe(() => {});
    await vi.advanceTimersByTimeAsync(0);
    const queued = snapshot("a", { state: "queued", on: "detached" });
    expect(usage.explained([queued])[0]!.waiting ?? null).toBeNull();
  });
});
