import { expect, test } from "vitest";
import { Protocol, shouldReconnect } from "../../src/net/protocol.js";
import type { Action, Subscription } from "../../src/net/types.js";

const subscription = (id = 1): Subscription => ({
  id,
  tasks: ["t"],
  tail: 10,
  cursor: null,
  answered: false,
});
const frame = (message: object) => JSON.stringify(message);
const kinds = (actions: Action[]) => actions.map((action) => action.kind);

function welcomed(protocol = new Protocol()): Protocol {
  protocol.subscribe(subscription());
  protocol.connected();
  protocol.receive(frame({ type: "welcome", now: 0, heartbeat: 25 }));
  return protocol;
}

function live(): Protocol {
  const protocol = welcomed();
  protocol.receive(frame({ type: "subscribed", id: 1, recovered: false, cursor: "e:0", tasks: [] }));
  return protocol;
}

const events = (prev: string, cursor: string, id = 1) =>
  frame({ type: "events", id, prev, cursor, events: [cursor] });

test("nothing but hello is sent before the welcome", () => {
  const protocol = new Protocol();
  expect(protocol.subscribe(subscription())).toEqual([]);
  expect(protocol.connected().map((one) => JSON.parse(one).type)).toEqual(["hello"]);
  const actions = protocol.receive(frame({ type: "welcome", now: 5, heartbeat: 25 }));
  expect(kinds(actions)).toEqual(["welcome", "send"]);
});

test("frames apply in order, each once", () => {
  const protocol = live();
  expect(kinds(protocol.receive(events("e:0", "e:1")))).toEqual(["apply"]);
  expect(kinds(protocol.receive(events("e:1", "e:5")))).toEqual(["apply"]);
  const doubled = protocol.receive(events("e:1", "e:5"));
  expect(doubled.map((one) => one.kind === "send" && JSON.parse(one.frame).after)).toEqual(["e:5"]);
});

test("a gap is requested again from the own cursor, and nothing is applied until the answer", () => {
  const protocol = live();
  const [ask] = protocol.receive(events("e:3", "e:4"));
  expect(ask?.kind === "send" && JSON.parse(ask.frame)).toMatchObject({
    type: "subscribe",
    id: 1,
    after: "e:0",
  });
  expect(protocol.receive(events("e:0", "e:4"))).toEqual([]);
  protocol.receive(frame({ type: "subscribed", id: 1, recovered: true, cursor: "e:0" }));
  expect(kinds(protocol.receive(events("e:0", "e:4")))).toEqual(["apply"]);
});

test("an answer to a replaced request is not taken for the newest", () => {
  const protocol = live();
  protocol.receive(events("e:3", "e:4"));
  protocol.subscribe(protocol.subscriptions.get(1)!);
  expect(protocol.receive(frame({ type: "subscribed", id: 1, recovered: true, cursor: "e:0" }))).toEqual([]);
  expect(
    kinds(protocol.receive(frame({ type: "subscribed", id: 1, recovered: true, cursor: "e:0" }))),
  ).toEqual(["answered"]);
});

test("after a lost socket it resumes from the heartbeat's cursor", () => {
  const protocol = live();
  protocol.receive(frame({ type: "heartbeat", now: 0, cursors: { "1": "e:40" } }));
  protocol.disconnected();
  protocol.connected();
  const actions = protocol.receive(frame({ type: "welcome", now: 0, heartbeat: 25 }));
  expect(actions.flatMap((one) => (one.kind === "send" ? [JSON.parse(one.frame).after] : []))).toEqual([
    "e:40",
  ]);
});

test("a heartbeat never moves a cursor back or into another journal", () => {
  const protocol = live();
  protocol.receive(events("e:0", "e:9"));
  protocol.receive(frame({ type: "heartbeat", now: 0, cursors: { "1": "e:3" } }));
  protocol.receive(frame({ type: "heartbeat", now: 0, cursors: { "1": "f:30" } }));
  expect(protocol.subscriptions.get(1)?.cursor).toBe("e:9");
});

test("a subscription that cannot be recovered restarts from snapshots", () => {
  const protocol = live();
  protocol.disconnected();
  protocol.connected();
  protocol.receive(frame({ type: "welcome", now: 0, heartbeat: 25 }));
  const actions = protocol.receive(
    frame({
      type: "subscribed",
      id: 1,
      recovered: false,
      cursor: "f:7",
      tasks: [{ id: "t" }],
      more: true,
      reason: "epoch",
    }),
  );
  expect(actions[1]).toMatchObject({ kind: "restart", tasks: [{ id: "t" }], more: true, cursor: "f:7" });
});

test("a cursor that the server rejects is dropped", () => {
  const protocol = live();
  const [ask] = protocol.receive(
    frame({ type: "error", id: 1, code: "bad_cursor", message: "?", temporary: false }),
  );
  expect(ask?.kind === "send" && JSON.parse(ask.frame).after).toBeNull();
});

test("frames of a dropped subscription are ignored", () => {
  const protocol = live();
  expect(protocol.unsubscribe(1)).toHaveLength(1);
  expect(protocol.receive(events("e:0", "e:1"))).toEqual([]);
});

test("unknown messages and fields are ignored; invalid JSON throws", () => {
  const protocol = live();
  expect(protocol.receive(frame({ type: "tomorrow", id: 1 }))).toEqual([]);
  expect(() => protocol.receive("no json")).toThrow();
});

test("any sequence of disconnects, gaps and repeats applies every event once and in order", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = seededRandom(seed);
    expect(simulate(random)).toEqual([...Array(40).keys()].map((n) => n + 1));
  }
});

/** A server that has 40 events and a line that loses, repeats and breaks. */
function simulate(random: () => number): number[] {
  const protocol = new Protocol();
  protocol.subscribe({ ...subscription(), cursor: "e:0" });
  const applied: number[] = [];
  const inbox: string[] = [];
  let at: number | null = null;
  const answer = (ask: string) => {
    const message = JSON.parse(ask);
    if (message.type === "hello") inbox.push(frame({ type: "welcome", now: 0, heartbeat: 25 }));
    if (message.type !== "subscribe") return;
    at = Number(message.after.slice(2));
    inbox.push(frame({ type: "subscribed", id: 1, recovered: true, cursor: message.after }));
  };
  protocol.connected().forEach(answer);
  for (let step = 0; step < 5000 && applied.length < 40; step += 1) {
    const chance = random();
    if (chance < 0.03) {
      inbox.length = 0;
      at = null;
      protocol.connected().forEach(answer);
    } else if (inbox.length > 0) {
      const next = inbox.shift()!;
      const lost = chance < 0.15 && next.includes('"events"');
      if (chance > 0.9 && next.includes('"events"')) inbox.unshift(next);
      for (const action of lost ? [] : protocol.receive(next)) {
        if (action.kind === "send") answer(action.frame);
        if (action.kind === "apply") applied.push(...(action.events as unknown as number[]));
      }
    } else if (at !== null) {
      if (at >= 40) protocol.subscribe(protocol.subscriptions.get(1)!).forEach(answer);
      else {
        const to = Math.min(40, at + 1 + Math.floor(random() * 3));
        const batch = [...Array(to - at).keys()].map((n) => at! + n + 1);
        inbox.push(frame({ type: "events", id: 1, prev: `e:${at}`, cursor: `e:${to}`, events: batch }));
        at = to;
      }
    }
  }
  return applied;
}

/** Mulberry32: the same story for the same seed. */
function seededRandom(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

test.each([
  [4001, true],
  [4008, true],
  [4010, true],
  [4011, true],
  [1006, true],
  [1012, true],
  [4500, false],
  [4501, false],
  [4503, false],
  [1009, false],
])("close code %i: come back is %s", (code, back) => expect(shouldReconnect(code)).toBe(back));

test("what the server says about its health comes with the welcome, and in heartbeats when it has changed", () => {
  const protocol = new Protocol();
  const frames = [
    { type: "welcome", now: 0, heartbeat: 25, trouble: ["the disk is full"] },
    { type: "heartbeat", now: 0, cursors: {} },
    { type: "heartbeat", now: 0, cursors: {}, trouble: [] },
  ];
  const said = frames.map((one) => protocol.receive(frame(one)));
  expect(said[0]).toMatchObject([{ kind: "welcome", trouble: ["the disk is full"] }]);
  expect(said.slice(1)).toEqual([[], [{ kind: "trouble", sentences: [] }]]);
});
