import { beforeEach, expect, test, vi } from "vitest";
import { Login, wantsLogin } from "../../src/net/login.js";

const allowed = () => new Response("{}");
const refused = () => new Response("{}", { status: 403, headers: { "Jupyter-Agent-Login": "required" } });
const forbidden = () => new Response("{}", { status: 403 });

const visits = vi.fn<(page: string) => Promise<void>>();

beforeEach(() => {
  visits.mockReset().mockImplementation(async () => {});
});

/** A server that gives these answers, one after the other. */
function server(...answers: (() => Response)[]) {
  return vi.fn(async () => answers.shift()!());
}

test("a login that can be renewed is renewed once for all who ask, and each asks once more", async () => {
  const login = new Login("/page", visits);
  const requests = [server(refused, allowed), server(refused, allowed), server(refused, allowed)];
  const answers = await Promise.all(requests.map((request) => login.fetch(request)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(visits).toHaveBeenCalledTimes(1);
  expect(login.isExpired).toBe(false);
});

test("a login that cannot be renewed is asked for once, and nothing is requested until a retry", async () => {
  const login = new Login("/page", visits);
  const changes: boolean[] = [];
  expect((await login.fetch(server(refused, refused))).status).toBe(403);
  login.subscribe(() => changes.push(login.isExpired));
  const unasked = server();
  const answer = await login.fetch(unasked);
  expect(await answer.json()).toMatchObject({ detail: "You are logged out. Log in again." });
  expect(unasked).not.toHaveBeenCalled();
  expect(visits).toHaveBeenCalledTimes(1);
  login.retry();
  expect((await login.fetch(server(allowed))).status).toBe(200);
  expect(changes).toEqual([false]);
});

test("a right that the user does not have is no matter of the login", async () => {
  const login = new Login("/page", visits);
  expect((await login.fetch(server(forbidden))).status).toBe(403);
  expect(visits).not.toHaveBeenCalled();
  expect(login.isExpired).toBe(false);
});

test.each([
  ["401 of a proxy", () => new Response("", { status: 401 }), true],
  [
    "a page of a proxy",
    () => new Response("", { status: 403, headers: { "Content-Type": "text/html" } }),
    true,
  ],
  ["a right that is missing", forbidden, false],
])("%s", (_, answer, wants) => {
  expect(wantsLogin(answer())).toBe(wants);
});
