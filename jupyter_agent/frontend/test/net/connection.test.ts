import { expect, test, vi } from "vitest";
import { connected, ignoreAll } from "../support/fake_environment.js";

const filter = { tasks: ["t"], tail: 10 };

test("nothing is sent before the socket is open, or after it closed", async () => {
  const { environment, connection } = connected();
  expect(await connection.command("t", 1, "cancel", {})).toMatchObject({ ok: false });
  const id = connection.subscribe(filter, ignoreAll);
  environment.openLast();
  connection.subscribe({ tasks: ["u"], tail: 10 }, ignoreAll);
  expect(environment.sentTypes()).toEqual(["hello"]);
  environment.receive({ type: "welcome", now: 0, heartbeat: 25 });
  const pending = connection.command("t", 1, "cancel", {});
  environment.closeLast(1006);
  connection.unsubscribe(id);
  connection.check();
  expect((await pending).message).toContain("before the server answered");
  expect(environment.sentTypes(environment.sockets[0])).toEqual([
    "hello",
    "subscribe",
    "subscribe",
    "command",
  ]);
  expect(environment.sentTypes(environment.sockets[1])).toEqual([]);
});

test("a command issued while connecting is sent once, after the connection is made", async () => {
  const { environment, connection } = connected();
  connection.subscribe(filter, ignoreAll);
  const pending = connection.command("t", 1, "cancel", {});
  environment.closeLast(1006);
  environment.fireTimer();
  environment.welcome();
  const [asked] = environment.last.sent.filter((frame) => frame.type === "command");
  expect(asked).toMatchObject({ task: "t", attempt: 1, command: "cancel" });
  environment.receive({ type: "reply", id: asked.id, ok: true });
  expect(await pending).toMatchObject({ ok: true });
  environment.closeLast(1006);
  environment.fireTimer();
  environment.welcome();
  expect(environment.sentTypes()).toEqual(["hello", "subscribe"]);
});

test("a command is refused when no connection can be made", async () => {
  const { environment, connection } = connected();
  connection.subscribe(filter, ignoreAll);
  const pending = connection.command("t", 1, "cancel", {});
  for (let attempt = 0; attempt < 4; attempt += 1) {
    environment.closeLast(1006);
    environment.fireTimer();
  }
  expect((await pending).message).toContain("cannot be reached");
  environment.welcome();
  expect(environment.sentTypes()).toEqual(["hello", "subscribe"]);
});

test("a command is refused when the idle connection closes", async () => {
  const { environment, connection } = connected();
  const id = connection.subscribe(filter, ignoreAll);
  const pending = connection.command("t", 1, "cancel", {});
  connection.unsubscribe(id);
  environment.fireTimer(5);
  expect((await pending).message).toContain("cannot be reached");
});

test("delays grow up to the limit", () => {
  const { environment, connection } = connected();
  connection.subscribe(filter, ignoreAll);
  const delays = [...Array(9)].map(() => {
    environment.closeLast(1006);
    return environment.fireTimer();
  });
  expect(delays.map((delay) => Math.round((delay / 0.999) * 100) / 100)).toEqual([
    0.25, 0.5, 1, 2, 4, 8, 15, 15, 15,
  ]);
});

test("a welcome resets the delay", () => {
  const { environment, connection } = connected();
  connection.subscribe(filter, ignoreAll);
  environment.closeLast(1006);
  environment.fireTimer();
  environment.closeLast(1006);
  environment.fireTimer();
  environment.welcome();
  environment.closeLast(1006);
  expect(environment.fireTimer()).toBeCloseTo(0.25 * 0.999);
});

test("bye sets the delay of the next connection", () => {
  const { environment, connection } = connected();
  connection.subscribe(filter, ignoreAll);
  environment.welcome();
  environment.receive({ type: "bye", reconnect: true, retry_ms: 4000 });
  environment.closeLast(1012);
  expect(environment.fireTimer()).toBe(4);
});

test("a final close code ends the reconnecting", () => {
  const { environment, connection } = connected();
  connection.subscribe(filter, ignoreAll);
  environment.welcome();
  environment.closeLast(4503);
  connection.check();
  expect(environment.timers).toEqual([]);
  expect(environment.sockets).toHaveLength(1);
  expect(connection.stopped).toContain("4503");
});

test("a page without views closes its idle socket, and opens another for the next view", () => {
  const { environment, connection } = connected();
  const id = connection.subscribe(filter, ignoreAll);
  environment.welcome();
  connection.unsubscribe(id);
  environment.fireTimer(5);
  expect(environment.sockets[0]!.closed).toBe(true);
  connection.subscribe(filter, ignoreAll);
  expect(environment.sockets).toHaveLength(2);
});

test("a new view within the idle timeout keeps the socket", () => {
  const { environment, connection } = connected();
  connection.unsubscribe(connection.subscribe(filter, ignoreAll));
  connection.subscribe(filter, ignoreAll);
  expect(environment.timers.some((timer) => timer.seconds === 5)).toBe(false);
});

test("silence for three heartbeats ends in a new connection", () => {
  const { environment, connection } = connected();
  connection.subscribe(filter, ignoreAll);
  environment.welcome(10);
  environment.time = 30;
  environment.fireTimer(30);
  expect(environment.sockets[0]!.closed).toBe(true);
  environment.fireTimer();
  expect(environment.sockets).toHaveLength(2);
});

test("a page that becomes visible probes at once, and drops a connection that does not answer", () => {
  const { environment, connection } = connected();
  connection.subscribe(filter, ignoreAll);
  environment.welcome();
  environment.receive({ type: "subscribed", id: 1, recovered: false, cursor: "e:0", tasks: [] });
  environment.time = 100;
  connection.check();
  expect(environment.sentTypes().at(-1)).toBe("subscribe");
  environment.time = 105;
  environment.fireTimer(5);
  expect(environment.sockets[0]!.closed).toBe(true);
});

test("a page that becomes visible while waiting to reconnect connects at once", () => {
  const { environment, connection } = connected();
  connection.subscribe(filter, ignoreAll);
  environment.closeLast(1006);
  connection.check();
  expect(environment.sockets).toHaveLength(2);
  expect(environment.timers.some((timer) => timer.seconds < 1)).toBe(false);
});

test("a subscription is live when answered, connecting after a disconnect, offline after four", () => {
  const { environment, connection } = connected();
  const id = connection.subscribe(filter, ignoreAll);
  expect(connection.status(id)).toBe("connecting");
  environment.welcome();
  environment.receive({ type: "subscribed", id, recovered: false, cursor: "e:0", tasks: [] });
  expect(connection.status(id)).toBe("live");
  for (let cut = 0; cut < 4; cut += 1) {
    expect(connection.status(id)).toBe(cut === 0 ? "live" : "connecting");
    environment.closeLast(1006);
    if (cut < 3) environment.fireTimer();
  }
  expect(connection.status(id)).toBe("offline");
});

test("without a network the status is offline at once", () => {
  const { environment, connection } = connected();
  const id = connection.subscribe(filter, ignoreAll);
  environment.networkUp = false;
  environment.closeLast(1006);
  expect(connection.status(id)).toBe("offline");
});

test("a temporary error is retried after a delay, a permanent one is a refusal", () => {
  const { environment, connection } = connected();
  const refusals: string[] = [];
  const id = connection.subscribe(filter, { ...ignoreAll, refused: (message) => refusals.push(message) });
  environment.welcome();
  environment.receive({ type: "error", id, code: "unavailable", message: "later", temporary: true });
  environment.fireTimer(1);
  expect(environment.sentTypes().filter((type) => type === "subscribe")).toHaveLength(2);
  environment.receive({ type: "error", id, code: "forbidden", message: "no", temporary: false });
  expect(refusals).toEqual(["no"]);
});

test("the server's clock is used", () => {
  const { environment, connection } = connected();
  connection.subscribe(filter, ignoreAll);
  environment.openLast();
  environment.receive({ type: "welcome", now: 500, heartbeat: 25 });
  environment.time = 3;
  expect(connection.now()).toBe(503);
});

test("a suspended connection has no socket, asks for none, and goes on from its cursor", () => {
  const { environment, connection } = connected();
  const id = connection.subscribe(filter, ignoreAll);
  environment.welcome();
  environment.receive({ type: "subscribed", id, recovered: false, cursor: "e:7", tasks: [] });
  connection.suspend();
  expect(environment.last.closed).toBe(true);
  expect(environment.timers).toEqual([]);
  connection.check();
  connection.subscribe({ tasks: ["u"] }, ignoreAll);
  expect(environment.sockets.length).toBe(1);
  connection.resume();
  environment.welcome();
  expect(environment.last.sent.find((frame) => frame.id === id)).toMatchObject({ after: "e:7" });
});

test("a refused socket is reported, and an ended login is not the end of the connection", () => {
  const { environment, connection } = connected();
  const refused = vi.fn();
  connection.onRefused = refused;
  connection.subscribe(filter, ignoreAll);
  environment.closeLast(1006);
  expect(refused).toHaveBeenCalledTimes(1);
  environment.fireTimer();
  environment.welcome();
  environment.closeLast(1006);
  expect(refused).toHaveBeenCalledTimes(1);
  environment.fireTimer();
  environment.welcome();
  environment.closeLast(4501);
  expect(refused).toHaveBeenCalledTimes(2);
  expect(connection.stopped).toBe(null);
});

test("the welcome says what the user may do; an older server's does not, and then it is all", () => {
  const { environment, connection } = connected();
  connection.subscribe(filter, ignoreAll);
  environment.openLast();
  environment.receive({ type: "welcome", now: 0, heartbeat: 25, rights: ["read"] });
  expect([...connection.rights]).toEqual(["read"]);
  environment.closeLast(1006);
  environment.fireTimer();
  environment.welcome();
  expect([...connection.rights]).toEqual(["read", "write", "execute"]);
});

test("sockets that were refused before a welcome count no more after it", () => {
  const { environment, connection } = connected();
  connection.subscribe(filter, ignoreAll);
  connection.obstacle = { refusals: 3, sentence: "no socket passes" };
  environment.openLast();
  environment.welcome();
  environment.closeLast(1006);
  expect(connection.obstacle).toEqual({ refusals: 0, sentence: null });
});
