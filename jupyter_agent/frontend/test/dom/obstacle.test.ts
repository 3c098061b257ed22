import { expect, test } from "vitest";
import { endNotice } from "../../src/dom/end_notice.js";
import type { Connection } from "../../src/net/connection.js";
import { NO_OBSTACLE, findObstacle } from "../../src/net/obstacle.js";
import type { Server } from "../../src/net/server.js";

/** A server that answers `health` so, a connection to it, and what views say of them. */
function scene(health: object) {
  const asked: string[] = [];
  const fetch = async (path: string) => {
    asked.push(path);
    return new Response(JSON.stringify(health));
  };
  const server = { fetch, login: { isExpired: false } } as unknown as Server;
  const connection = { live: false, stopped: null, obstacle: NO_OBSTACLE };
  const refuse = (answer: Response | null) => findObstacle(connection, server, answer);
  return { asked, refuse, notice: () => endNotice(server, connection as unknown as Connection) };
}

test("a view says what to set where the server takes its page for one from elsewhere", async () => {
  const { asked, refuse, notice } = scene({ origin_refusal: "set allow_origin" });
  await refuse(new Response("{}"));
  expect(notice()).toBe("set allow_origin");
  expect(asked).toEqual([`health?${new URLSearchParams({ origin: location.origin })}`]);
});

test("a view says that no WebSocket passes once four were refused by a server that answers", async () => {
  const { refuse, notice } = scene({});
  for (let refusal = 0; refusal < 3; refusal += 1) await refuse(new Response("{}"));
  expect(notice()).toBeNull();
  await refuse(new Response("{}"));
  expect(notice()).toContain("Upgrade and Connection");
});

test("a server that is away is no obstacle, and what was refused before it went counts no more", async () => {
  const { asked, refuse, notice } = scene({});
  for (const is of [true, true, true, false, true]) await refuse(is ? new Response("{}") : null);
  expect(notice()).toBeNull();
  expect(asked).toHaveLength(4);
  await refuse(null);
  expect(notice()).toBeNull();
});

test("a view says why the server refuses, and not what a proxy says", async () => {
  const { asked, refuse, notice } = scene({});
  const problem = (status: number, type: string, headers = {}) =>
    new Response(JSON.stringify({ detail: "the disk is full" }), {
      status,
      headers: { "Content-Type": type, ...headers },
    });
  await refuse(problem(503, "application/problem+json"));
  expect(notice()).toBeNull(); // as of a server that stops
  await refuse(problem(503, "application/problem+json"));
  expect(notice()).toBe("the disk is full");
  await refuse(problem(503, "application/json"));
  expect(notice()).toBeNull();
  await refuse(problem(403, "application/problem+json", { "Jupyter-Agent-Login": "required" }));
  expect(notice()).toBeNull();
  expect(asked).toEqual([]);
});
