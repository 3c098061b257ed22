import { expect, it } from "vitest";
import { headingOf, runLabels } from "../../src/compare/labels.js";
import type { Snapshot } from "../../src/net/types.js";
import { snapshot } from "../support/scripted_server.js";

const task = (id: string, name: string, params: Record<string, string> = {}): Snapshot =>
  snapshot(id, { name, params });

it.each([
  [
    "parameters tell runs of one name apart",
    [task("a", "fit", { lr: "1", n: "5" }), task("b", "fit", { lr: "2", n: "5" })],
    ["lr=1", "lr=2"],
  ],
  ["names do", [task("a", "fit"), task("b", "load")], ["fit", "load"]],
  ["both do", [task("a", "fit", { lr: "1" }), task("b", "load")], ["fit lr=1", "load"]],
  [
    "ids do where nothing else does",
    [task("x000001", "fit"), task("x000002", "fit")],
    ["fit 000001", "fit 000002"],
  ],
])("%s", (_, tasks, labels) => {
  expect(runLabels(tasks)).toEqual(labels);
});

it("needs no parameters, as of an older server", () => {
  const { params: _, ...old } = task("a", "fit");
  expect(runLabels([old as Snapshot, task("b", "fit", { lr: "1" })])).toEqual(["fit", "lr=1"]);
});

it("is headed by the name that all have", () => {
  expect(headingOf([task("a", "fit"), task("b", "fit")])).toBe("2 runs of fit");
  expect(headingOf([task("a", "fit"), task("b", "load")])).toBe("2 runs");
});
