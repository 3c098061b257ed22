import { expect, test } from "vitest";
import { connected, quiet } from "../support/fake_environment.js";

const interest = { tasks: ["t"], tail: 10 };

test("nothing is sent before the socket is open, or after it closed", async () => {
  const { world, connection } = connected();
  expect(await connection.command("t", 1, "cancel", {})).toMatchObject({ ok: false });
  const id = connection.subscribe(interest, quiet);
  world.up();
  connection.subscribe({ tasks: ["u"], tail: 10 }, quiet);
  expect(world.sentTypes()).toEqual(["hello"]);
  world.say({ type: "welcome", now: 0, heartbeat: 25 });
  const pending = connection.command("t", 1, "cancel", {});
  world.shut(1006);
  connection.unsubscribe(id);
  connection.check();
  expect((await pending).message).toContain("before the server answered");
  expect(world.sentTypes(world.sockets[0])).toEqual(["hello", "subscribe", "subscribe", "command"]);
  expect(world.sentTypes(world.sockets[1])).toEqual([]);
});

test("what is asked while a connection is made is sent once, when it is there", async () => {
  const { world, connection } = connected();
  connection.subscribe(interest, quiet);
  const pending = connection.command("t", 1, "cancel", {});
  world.shut(1006);
  world.fire();
  world.welcome();
  const [asked] = world.last.sent.filter((frame) => frame.type === "command");
  expect(asked).toMatchObject({ task: "t", attempt: 1, command: "cancel" });
  world.say({ type: "reply", id: asked.id, ok: true });
  expect(await pending).toMatchObject({ ok: true });
  world.shut(1006);
  world.fire();
  world.welcome();
  expect(world.sentTypes()).toEqual(["hello", "subscribe"]);
});

test("what is asked while no connection can be made is answered so", async () => {
  const { world, connection } = connected();
  connection.subscribe(interest, quiet);
  const pending = connection.command("t", 1, "cancel", {});
  for (let attempt = 0; attempt < 4; attempt += 1) {
    world.shut(1006);
    world.fire();
  }
  expect((await pending).message).toContain("cannot be reached");
  world.welcome();
  expect(world.sentTypes()).toEqual(["hello", "subscribe"]);
});

test("what is asked of a connection that nobody uses any more is answered so", async () => {
  const { world, connection } = connected();
  const id = connection.subscribe(interest, quiet);
  const pending = connection.command("t", 1, "cancel", {});
  connection.unsubscribe(id);
  world.fire(5);
  expect((await pending).message).toContain("cannot be reached");
});

test("it comes back later each time, but never later than the limit", () => {
  const { world, connection } = connected();
  connection.subscribe(interest, quiet);
  const delays = [...Array(9)].map(() => {
    world.shut(1006);
    return world.fire();
  });
  expect(delays.map((delay) => Math.round((delay / 0.999) * 100) / 100)).toEqual([
    0.25, 0.5, 1, 2, 4, 8, 15, 15, 15,
  ]);
});

test("after a welcome it comes back soon again", () => {
  const { world, connection } = connected();
  connection.subscribe(interest, quiet);
  world.shut(1006);
  world.fire();
  world.shut(1006);
  world.fire();
  world.welcome();
  world.shut(1006);
  expect(world.fire()).toBeCloseTo(0.25 * 0.999);
});

test("bye says when to come back", () => {
  const { world, connection } = connected();
  connection.subscribe(interest, quiet);
  world.welcome();
  world.say({ type: "bye", reconnect: true, retry_ms: 4000 });
  world.shut(1012);
  expect(world.fire()).toBe(4);
});

test("a code that means don't come back is obeyed", () => {
  const { world, connection } = connected();
  connection.subscribe(interest, quiet);
  world.welcome();
  world.shut(4503);
  connection.check();
  expect(world.timers).toEqual([]);
  expect(world.sockets).toHaveLength(1);
  expect(connection.stopped).toContain("4503");
});

test("a page without views closes its socket after a moment, and opens another for the next view", () => {
  const { world, connection } = connected();
  const id = connection.subscribe(interest, quiet);
  world.welcome();
  connection.unsubscribe(id);
  world.fire(5);
  expect(world.sockets[0]!.closed).toBe(true);
  connection.subscribe(interest, quiet);
  expect(world.sockets).toHaveLength(2);
});

test("a view that is shown again within that moment keeps the socket", () => {
  const { world, connection } = connected();
  connection.unsubscribe(connection.subscribe(interest, quiet));
  connection.subscribe(interest, quiet);
  expect(world.timers.some((timer) => timer.seconds === 5)).toBe(false);
});

test("silence for three heartbeats ends in a new connection", () => {
  const { world, connection } = connected();
  connection.subscribe(interest, quiet);
  world.welcome(10);
  world.time = 30;
  world.fire(30);
  expect(world.sockets[0]!.closed).toBe(true);
  world.fire();
  expect(world.sockets).toHaveLength(2);
});

test("a page that is looked at again asks at once, and gives up a line that does not answer", () => {
  const { world, connection } = connected();
  connection.subscribe(interest, quiet);
  world.welcome();
  world.say({ type: "subscribed", id: 1, recovered: false, cursor: "e:0", tasks: [] });
  world.time = 100;
  connection.check();
  expect(world.sentTypes().at(-1)).toBe("subscribe");
  world.time = 105;
  world.fire(5);
  expect(world.sockets[0]!.closed).toBe(true);
});

test("while it waits to come back, a page that is looked at again connects at once", () => {
  const { world, connection } = connected();
  connection.subscribe(interest, quiet);
  world.shut(1006);
  connection.check();
  expect(world.sockets).toHaveLength(2);
  expect(world.timers.some((timer) => timer.seconds < 1)).toBe(false);
});

test("a subscription is live when it is answered, connecting after a cut, offline after four of them", () => {
  const { world, connection } = connected();
  const id = connection.subscribe(interest, quiet);
  expect(connection.status(id)).toBe("connecting");
  world.welcome();
  world.say({ type: "subscribed", id, recovered: false, cursor: "e:0", tasks: [] });
  expect(connection.status(id)).toBe("live");
  for (let cut = 0; cut < 4; cut += 1) {
    expect(connection.status(id)).toBe(cut === 0 ? "live" : "connecting");
    world.shut(1006);
    if (cut < 3) world.fire();
  }
  expect(connection.status(id)).toBe("offline");
});

test("a network that is gone is said at once", () => {
  const { world, connection } = connected();
  const id = connection.subscribe(interest, quiet);
  world.connectedToNetwork = false;
  world.shut(1006);
  expect(connection.status(id)).toBe("offline");
});

test("a temporary error is asked again after a pause, a lasting one is told", () => {
  const { world, connection } = connected();
  const told: string[] = [];
  const id = connection.subscribe(interest, { ...quiet, refused: (message) => told.push(message) });
  world.welcome();
  world.say({ type: "error", id, code: "unavailable", message: "later", temporary: true });
  world.fire(1);
  expect(world.sentTypes().filter((type) => type === "subscribe")).toHaveLength(2);
  world.say({ type: "error", id, code: "forbidden", message: "no", temporary: false });
  expect(told).toEqual(["no"]);
});

test("the server's clock is taken over", () => {
  const { world, connection } = connected();
  connection.subscribe(interest, quiet);
  world.up();
  world.say({ type: "welcome", now: 500, heartbeat: 25 });
  world.time = 3;
  expect(connection.now()).toBe(503);
});
