import { describe, expect, it } from "vitest";
import { countByState, filterByState, searchTasks } from "../../src/list/filter.js";
import { snapshot } from "../support/scripted_server.js";

describe("search and filter", () => {
  const tasks = [
    snapshot("4", { name: "Train big", tags: ["gpu"], notebook: "/home/ada/vision.ipynb" }),
    snapshot("3", { name: "crawl", state: "failed" }),
    snapshot("2", { name: "train small", state: "failed" }),
    snapshot("1", { name: "export", state: "completed", params: { path: "/data/x.csv", lr: "3e-4" } }),
  ];

  it.each([
    ["train", ["4", "2"]],
    ["TRAIN gpu", ["4"]],
    ["vision", ["4"]],
    ["lr=3e-4 export", ["1"]],
    ["  ", ["4", "3", "2", "1"]],
    ["none", []],
  ])("%j finds %j", (query, found) =>
    expect(searchTasks(tasks, query).map((task) => task.id)).toEqual(found),
  );

  it("counts what there is", () => {
    expect([...countByState(tasks)]).toEqual([
      ["running", 1],
      ["failed", 2],
      ["completed", 1],
    ]);
    expect(filterByState(tasks, "failed").map((task) => task.id)).toEqual(["3", "2"]);
  });
});
