import { beforeEach, expect, it } from "vitest";
import { MetricFacts } from "../../src/model/metric_facts.js";
import { isComparable } from "../../src/model/sweeps.js";
import { TaskListStore } from "../../src/model/task_list_store.js";
import type { Snapshot } from "../../src/net/types.js";
import { event, ScriptedServer, snapshot, state } from "../support/scripted_server.js";

const METRICS = { loss: { value: 0.5, step: 1 } };

let server: ScriptedServer;
let list: TaskListStore;
let changes: string[];
let end: () => void;
/** The id of the list's subscription. */
let listId: number;

function open(...tasks: Snapshot[]): void {
  server = new ScriptedServer();
  list = TaskListStore.of(server.connection, server.server);
  changes = [];
  list.subscribeToChanges((_, after) => changes.push(after.id));
  server.welcome();
  server.answerSnapshots(tasks);
  listId = server.current.sent.findLast(({ type }) => type === "subscribe").id;
  end = MetricFacts.of(list).follow();
}

const fit = (id: string, fields: Partial<Snapshot> = {}) => snapshot(id, { name: "fit", ...fields });

beforeEach(() => open(fit("2"), fit("1")));

/** The tasks of each request for snapshots beside the list's own. */
const asked = () =>
  server.current.sent
    .filter(({ type, tasks }) => type === "subscribe" && tasks !== "*")
    .map(({ tasks }) => tasks);
/** Advance the clock while the server is heard. */
function wait(seconds: number): void {
  for (let at = 0; at < seconds; at += 5) {
    server.advance(5);
    server.send({ type: "heartbeat", now: server.time, cursors: {} });
  }
}
const comparable = () => list.tasks.filter(isComparable).map(({ id }) => id);

function answer(...metered: string[]): void {
  const named: string[] = asked().at(-1);
  server.answerSnapshots(named.map((id) => fit(id, { metrics: metered.includes(id) ? METRICS : {} })));
}

it("learns once, and in one request, which running tasks of a sweep have metrics", () => {
  server.advance(5);
  expect(asked()).toEqual([["2", "1"]]);
  answer("1", "2");
  expect(comparable()).toEqual(["2", "1"]);
  expect(changes).toEqual(["2", "1"]);
  wait(600);
  expect(asked().length).toBe(1);
  expect(server.current.sent.at(-1).type).toBe("unsubscribe");
});

it("asks again about a task without metrics after as long as it has run, and when it ends", () => {
  server.advance(5);
  answer("1");
  wait(55);
  expect(asked().length).toBe(1);
  server.advance(5);
  expect(asked().at(-1)).toEqual(["2"]);
  answer();
  server.send({
    type: "events",
    id: listId,
    prev: "e:0",
    cursor: "e:9",
    events: [state(9, "2", "completed")],
  });
  server.advance(5);
  expect(asked().length).toBe(3);
  server.answerSnapshots([fit("2", { state: "completed" })]);
  wait(600);
  expect(asked().length).toBe(3);
});

it("does not ask about a task alone, one that has parameters, or one that was ended before", () => {
  const ended = { state: "completed" } as const;
  open(snapshot("1", { name: "alone" }), fit("2", { params: { lr: "1" } }), fit("3", ended), fit("4", ended));
  wait(600);
  expect(asked()).toEqual([]);
});

it("asks nothing when nothing follows any more", () => {
  end();
  wait(600);
  expect(asked()).toEqual([]);
});

it("asks about tasks that begin later", () => {
  open();
  for (const [at, id] of ["8", "9"].entries())
    server.sendEvents(
      event(10 + 2 * at, id, "state", { state: "queued", about: { name: "fit" } }),
      state(11 + 2 * at, id, "running"),
    );
  server.advance(5);
  expect(asked()).toEqual([["9", "8"]]);
});
