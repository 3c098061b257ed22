import { expect, it } from "vitest";
import { sweepsOf } from "../../src/model/sweeps.js";
import type { Snapshot } from "../../src/net/types.js";
import { snapshot } from "../support/scripted_server.js";

const fit = (id: string, fields: Partial<Snapshot> = {}): Snapshot =>
  snapshot(id, { name: "fit", params: { lr: id }, ...fields });

it("offers the tasks of one name, oldest first", () => {
  const tasks = [fit("c"), fit("b"), fit("a"), fit("x", { name: "load" })];
  expect(sweepsOf(tasks[0]!, tasks)).toEqual([{ label: "Compare the 3 runs of fit", ids: ["a", "b", "c"] }]);
  expect(sweepsOf(tasks[3]!, tasks)).toEqual([]);
});

it("offers those of a tag, unless they are the same", () => {
  const tasks = [
    fit("a", { tags: ["night"] }),
    fit("b", { tags: ["night"], name: "other" }),
    fit("c", { tags: ["x"] }),
  ];
  expect(sweepsOf(tasks[0]!, tasks).map(({ label, ids }) => [label, ids])).toEqual([
    ["Compare the 2 runs of fit", ["a", "c"]],
    ["Compare the 2 runs tagged night", ["a", "b"]],
  ]);
  const same = [fit("a", { tags: ["night"] }), fit("b", { tags: ["night"] })];
  expect(sweepsOf(same[0]!, same)).toHaveLength(1);
});

it("offers the newest twenty of more", () => {
  const tasks = Array.from({ length: 45 }, (_, at) => fit(`t${100 + at}`));
  const [sweep] = sweepsOf(tasks[44]!, tasks);
  expect(sweep!.label).toBe("Compare the newest 20 of 45 runs of fit");
  expect([sweep!.ids.length, sweep!.ids[0], sweep!.ids.at(-1)]).toEqual([20, "t125", "t144"]);
});

it("does not give a number that older tasks would change", () => {
  const tasks = Array.from({ length: 25 }, (_, at) => fit(`t${100 + at}`));
  expect(sweepsOf(tasks[24]!, tasks, false)[0]!.label).toBe("Compare the newest 20 runs of fit");
  expect(sweepsOf(tasks[0]!, tasks.slice(0, 3), false)[0]!.label).toBe("Compare the newest 3 runs of fit");
});

it("leaves out tasks with nothing to compare", () => {
  const bare = (id: string) => snapshot(id, { name: "read" });
  expect(sweepsOf(bare("a"), [bare("a"), bare("b")])).toEqual([]);
});
