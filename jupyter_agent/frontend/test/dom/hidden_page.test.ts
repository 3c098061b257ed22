import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { sharedConnection } from "../../src/net/connection_pool.js";
import { serverAt, type Server } from "../../src/net/server.js";
import { FakeSocket } from "../support/fake_environment.js";

const opened: FakeSocket[] = [];
let isActive = false;
let visibility = "visible";
let count = 0;

const listener = { restart() {}, apply() {}, changed() {}, refused() {}, hasActiveTasks: () => isActive };

function show(state: "visible" | "hidden"): void {
  visibility = state;
  document.dispatchEvent(new Event("visibilitychange"));
}

/** A page with one live subscription. */
function livePage(): Server {
  const base = `http://page${(count += 1)}/`;
  const server = serverAt(base, `${base}ws`);
  sharedConnection(server).subscribe({ tasks: "*" }, listener);
  opened[0]!.open = true;
  opened[0]!.onopen!();
  opened[0]!.onmessage!({ data: JSON.stringify({ type: "welcome", now: 0, heartbeat: 7200 }) });
  return server;
}

beforeEach(() => {
  vi.useFakeTimers();
  opened.length = 0;
  [isActive, visibility] = [false, "visible"];
  vi.stubGlobal(
    "WebSocket",
    class extends FakeSocket {
      constructor() {
        super();
        opened.push(this);
      }
    },
  );
  vi.spyOn(document, "visibilityState", "get").mockImplementation(
    () => visibility as DocumentVisibilityState,
  );
});
afterEach(() => {
  show("visible");
  vi.useRealTimers();
});

test("a hidden page on which nothing runs lets go of its socket after five minutes, and comes back", () => {
  livePage();
  show("hidden");
  vi.advanceTimersByTime(299_000);
  expect(opened[0]!.closed).toBe(false);
  vi.advanceTimersByTime(1000);
  expect(opened[0]!.closed).toBe(true);
  vi.advanceTimersByTime(3_600_000);
  expect(opened.length).toBe(1);
  show("visible");
  expect(opened.length).toBe(2);
});

test("a hidden page keeps its socket while a task runs", () => {
  livePage();
  isActive = true;
  show("hidden");
  vi.advanceTimersByTime(600_000);
  expect(opened[0]!.closed).toBe(false);
  isActive = false;
  vi.advanceTimersByTime(300_000);
  expect(opened[0]!.closed).toBe(true);
});

test("a page that is looked at again in time keeps its socket", () => {
  livePage();
  show("hidden");
  vi.advanceTimersByTime(200_000);
  show("visible");
  opened[0]!.onmessage!({ data: JSON.stringify({ type: "heartbeat", cursors: {} }) });
  vi.advanceTimersByTime(600_000);
  expect(opened[0]!.closed).toBe(false);
});

test("a login that is renewed while the page is hidden opens no socket until the page is looked at", async () => {
  const { login } = livePage();
  Object.assign(login, { visit: async () => {} });
  show("hidden");
  vi.advanceTimersByTime(300_000);
  const refusal = new Response("{}", { status: 403, headers: { "Jupyter-Agent-Login": "required" } });
  const answers = [refusal, new Response("{}")];
  expect((await login.fetch(async () => answers.shift()!)).status).toBe(200);
  expect(opened.length).toBe(1);
  show("visible");
  expect(opened.length).toBeGreaterThan(1); // the pages of the tests before come back, too
});
