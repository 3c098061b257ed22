import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { sharedConnection } from "../../src/net/connection_pool.js";
import { Login } from "../../src/net/login.js";
import { serverAt } from "../../src/net/server.js";

const allowed = () => new Response("{}");
const refused = () => new Response("{}", { status: 403, headers: { "Jupyter-Agent-Login": "required" } });

/** A server that gives these answers, one after the other. */
function server(...answers: (() => Response)[]) {
  return vi.fn(async () => answers.shift()!());
}

const frames: HTMLIFrameElement[] = [];

// Kept out of the document, where it would load: each test says when it has.
beforeEach(() => {
  frames.length = 0;
  vi.spyOn(document.body, "append").mockImplementation((frame) => {
    vi.spyOn(frame as HTMLIFrameElement, "remove");
    frames.push(frame as HTMLIFrameElement);
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test("a visit navigates in a frame without scripts, which is gone after it", async () => {
  const request = server(refused, allowed);
  const answer = new Login("/page").fetch(request);
  await vi.waitFor(() => expect(frames).toHaveLength(1));
  const frame = frames[0]!;
  expect([frame.getAttribute("src"), frame.getAttribute("sandbox"), frame.hidden]).toEqual([
    "/page",
    "allow-same-origin",
    true,
  ]);
  expect(request).toHaveBeenCalledTimes(1);
  frame.dispatchEvent(new Event("load"));
  expect((await answer).status).toBe(200);
  expect(frame.remove).toHaveBeenCalledTimes(1);
});

test("a visit that never loads does not hide the refusal", async () => {
  vi.useFakeTimers();
  const login = new Login("/page");
  const answer = login.fetch(server(refused, refused));
  await vi.advanceTimersByTimeAsync(10_000);
  expect((await answer).status).toBe(403);
  expect(login.isExpired).toBe(true);
  expect(frames[0]!.remove).toHaveBeenCalledTimes(1);
});

test("where the page sees several tokens against forged requests, a refusal is followed by the next one", async () => {
  vi.spyOn(document, "cookie", "get").mockReturnValue("_xsrf=%zz; other=1; _xsrf=right");
  const sent: (string | null)[] = [];
  vi.stubGlobal("fetch", async (_: unknown, init: RequestInit) => {
    sent.push(new Headers(init.headers).get("X-XSRFToken"));
    return sent.at(-1) === "right" ? allowed() : refused();
  });
  const page = serverAt("http://tokens/a/", "ws://tokens/a/ws");
  Object.assign(page.login, { visit: async () => {} });
  for (const _ of [1, 2]) expect((await page.fetch("tasks")).status).toBe(200);
  expect(sent).toEqual(["%zz", "right", "right"]);
});

test("sockets that are refused while the login is being checked ask nothing more", async () => {
  const answers: ((response: Response) => void)[] = [];
  vi.stubGlobal("fetch", () => new Promise<Response>((resolve) => answers.push(resolve)));
  const connection = sharedConnection(serverAt("http://checks/", "ws://checks/ws"));
  connection.onRefused!();
  connection.onRefused!();
  expect(answers).toHaveLength(1);
  answers[0]!(allowed());
  await vi.waitFor(() => {
    connection.onRefused!();
    expect(answers).toHaveLength(2);
  });
});
