import { describe, expect, it } from "vitest";
import { Arrangement } from "../../src/timeline/arrangement.js";
import { isSameRow } from "../../src/timeline/rows.js";
import { windowOf, zoomed } from "../../src/timeline/window.js";
import type { Snapshot } from "../../src/net/types.js";
import { task } from "../support/task.js";

const WINDOW = { from: 1000, to: 2000 };

function ran(id: string, started: number, ended: number | null): Snapshot {
  const state = ended === null ? "running" : "completed";
  return { ...task(id), name: id, state, queued: started, started, ended };
}

function known(...live: Snapshot[]): Parameters<Arrangement["update"]>[0] {
  return { loaded: new Map([["a", ran("a", 1100, 1200)]]), live, earlier: new Map() };
}

describe("what the timeline shows", () => {
  it("is made again only when something in it has changed", () => {
    const [arrangement, first] = [new Arrangement(), known()];
    arrangement.update(first, "name", WINDOW, 1500.1);
    const { rows } = arrangement;
    arrangement.update(first, "name", WINDOW, 1500.9); // another pointer move in the same second
    expect(arrangement.rows).toBe(rows);
    const attempts = [{ attempt: 1, state: "failed", queued: 1, started: 2, ended: 3 }] as const;
    for (const [what, by, window, now] of [
      [first, "name", WINDOW, 1502],
      [first, "notebook", WINDOW, 1502],
      [first, "notebook", { from: 1001, to: 2001 }, 1502],
      [{ ...first, earlier: new Map([["a", attempts]]) }, "notebook", { from: 1001, to: 2001 }, 1502],
      [{ ...first, live: [ran("b", 1300, null)] }, "notebook", { from: 1001, to: 2001 }, 1502],
    ] as const) {
      const before = arrangement.rows;
      arrangement.update(what, by, window, now);
      expect(arrangement.rows).not.toBe(before);
    }
    expect(arrangement.shown.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  it("lists the tasks of the chosen time, the newest first, and the old ones while it is being chosen", () => {
    const arrangement = new Arrangement();
    arrangement.update(known(ran("b", 1300, 1400), ran("c", 1700, null)), "name", WINDOW, 1800);
    const ids = (from: number, to: number, isOld: boolean) =>
      arrangement.chosen({ from, to }, isOld).map(({ id }) => id);
    expect(ids(1000, 1500, false)).toEqual(["b", "a"]);
    expect(ids(1600, 2000, true)).toEqual(["b", "a"]);
    expect(ids(1600, 2000, false)).toEqual(["c"]);
  });

  it("draws a row again when one of its bars has moved, and no other", () => {
    const arrangement = new Arrangement();
    const what = known(ran("b", 1300, null));
    const rows = (now: number) => {
      arrangement.update(what, "name", WINDOW, now);
      return new Map(arrangement.rows.map((row) => [row.key, row]));
    };
    const [before, after] = [rows(1500), rows(1501)];
    expect(isSameRow(before.get("a")!, after.get("a")!)).toBe(true);
    expect(isSameRow(before.get("b")!, after.get("b")!)).toBe(false);
  });
});

describe("the time that is shown", () => {
  it("moves on in steps, so that not everything moves each second", () => {
    expect(windowOf(1000, null, 5001)).toEqual(windowOf(1000, null, 5009));
    expect(windowOf(1000, null, 5011).to).toBe(windowOf(1000, null, 5001).to + 10);
  });

  it("becomes shorter or longer around a place that stays where it is", () => {
    const shorter = zoomed(WINDOW, 1250, -1);
    expect(shorter.to - shorter.from).toBeCloseTo(1000 / 1.5);
    expect((1250 - shorter.from) / (shorter.to - shorter.from)).toBeCloseTo(0.25);
    const back = zoomed(shorter, 1250, 1);
    expect([back.from, back.to]).toEqual([expect.closeTo(1000), expect.closeTo(2000)]);
  });

  it("has a shortest and a longest", () => {
    const span = ({ from, to }: { from: number; to: number }) => to - from;
    expect(span(zoomed(WINDOW, 1500, -50))).toBeCloseTo(1);
    expect(span(zoomed(WINDOW, 1500, 50))).toBeCloseTo(366 * 86_400);
  });
});
