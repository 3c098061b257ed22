import { beforeEach, describe, expect, it } from "vitest";
import { DelayedActions } from "../../../src/list/undo/delayed_actions.js";
import type { Snapshot } from "../../../src/net/types.js";
import { ScriptedServer, settle, snapshot } from "../../support/scripted_server.js";

const tasks = ["1", "2", "3"].map((id) => snapshot(id, { name: `task ${id}`, state: "failed" }));
let server: ScriptedServer;
let actions: DelayedActions;
/** What was carried out, "leaving" while the page goes away. */
let done: string[];
let refusals: Record<string, string>;

function remove(of: readonly Snapshot[] = tasks): void {
  actions.start({
    verb: "delete",
    tasks: of,
    run: async ({ id }, leaving) => {
      done.push(leaving ? `${id} leaving` : id);
      return refusals[id] ?? null;
    },
  });
}

const gone = () => tasks.filter(({ id }) => actions.isGone(id)).map(({ id }) => id);

beforeEach(() => {
  server = new ScriptedServer();
  actions = DelayedActions.of(server.connection);
  [done, refusals] = [[], {}];
});

describe("an action", () => {
  it("waits eight seconds, and its tasks are out of sight meanwhile", async () => {
    remove();
    expect([gone(), actions.state.left, actions.state.waiting?.tasks.length]).toEqual([
      ["1", "2", "3"],
      8,
      3,
    ]);
    server.advance(7.5);
    expect([done, actions.state.left]).toEqual([[], 0.5]);
    server.advance(0.5);
    await settle();
    expect([done, gone()]).toEqual([
      ["1", "2", "3"],
      ["1", "2", "3"],
    ]);
    expect(actions.state).toMatchObject({ waiting: null, outcome: "Deleted 3 tasks." });
    server.advance(5);
    expect(actions.state.outcome).toBe("");
  });

  it("that is undone is never carried out", async () => {
    remove();
    actions.undo();
    server.advance(100);
    window.dispatchEvent(new Event("pagehide"));
    await settle();
    expect([done, gone(), actions.state]).toEqual([[], [], { waiting: null, left: 0, outcome: "" }]);
  });

  it("is carried out at once when the page goes away", async () => {
    remove();
    window.dispatchEvent(new Event("pagehide"));
    expect(done).toEqual(["1 leaving", "2 leaving", "3 leaving"]);
    await settle();
    server.advance(100);
    window.dispatchEvent(new Event("pagehide"));
    expect(done.length).toBe(3);
  });

  it("is carried out when the next one begins", async () => {
    remove(tasks.slice(0, 1));
    remove(tasks.slice(1, 2));
    await settle();
    expect([done, actions.state.waiting?.tasks.map(({ id }) => id)]).toEqual([["1"], ["2"]]);
  });

  it("that is refused brings its tasks back, and says why until that is dismissed", async () => {
    refusals = { "2": "cancel it first" };
    remove();
    actions.doNow();
    await settle();
    expect(gone()).toEqual(["1", "3"]);
    expect(actions.state.outcome).toBe("Deleted 2 of 3 tasks. The others: cancel it first");
    server.advance(100);
    expect(actions.state.outcome).not.toBe("");
    actions.dismiss();
    expect(actions.state.outcome).toBe("");
  });

  it("that is refused says why also after the next one, which began before the answer", async () => {
    refusals = { "1": "cancel it first" };
    remove(tasks.slice(0, 1));
    remove(tasks.slice(1, 2));
    await settle();
    actions.doNow();
    await settle();
    expect(gone()).toEqual(["2"]);
    expect(actions.state.outcome).toBe("Not deleted: cancel it first");
  });

  it("is the same for every list of the page", () => {
    remove();
    expect(DelayedActions.of(server.connection)).toBe(actions);
    expect(DelayedActions.of(new ScriptedServer().connection)).not.toBe(actions);
  });
});
