import { describe, expect, it } from "vitest";
import { groupTasks, type Sort, sortTasks } from "../../../src/list/filters/arrange.js";
import { byImportance } from "../../../src/model/sort.js";
import { snapshot } from "../../support/scripted_server.js";

const NOW = 2000;
const asks = { prompt_id: "p", text: "?", choices: null };
const tasks = [
  snapshot("5", { name: "task 10", queued: 1900, started: 1950 }),
  snapshot("4", { name: "task 9", state: "completed", queued: 1000, started: 1100, ended: 1200 }),
  snapshot("3", { name: "b", state: "failed", queued: 900, started: 1000, ended: 1990 }),
  snapshot("2", { name: "a", state: "queued", queued: 800, started: null }),
  snapshot("1", { name: "C", queued: 700, started: 1700, prompt: asks }),
];
const ids = (sorted: readonly { id: string }[]) => sorted.map(({ id }) => id).join("");

describe("the order", () => {
  it("without a choice is by what is active, and ended tasks by their ends, which is what their rows show", () => {
    expect(ids([...tasks].sort(byImportance))).toBe("15234");
  });

  it.each<[Sort, string]>([
    ["queued", "54321"],
    ["ended", "15234"],
    ["name", "23145"],
    ["duration", "31452"],
    ["state", "15243"],
  ])("by %s is %s, and can be reversed", (sort, order) => {
    expect(ids(sortTasks(tasks, { sort, reversed: false }, NOW))).toBe(order);
    expect(ids(sortTasks(tasks, { sort, reversed: true }, NOW))).toBe(Array.from(order).reverse().join(""));
  });

  it("of named tasks is that of their names until another is chosen", () => {
    expect(sortTasks(tasks, { sort: "", reversed: false }, NOW)).toBe(tasks);
  });
});

describe("groups", () => {
  const mixed = [
    snapshot("4", { name: "a", tags: ["x", "b"], notebook: "/one/n.ipynb" }),
    snapshot("3", { name: "b", tags: ["b", "x"] }),
    snapshot("2", { name: "a", tags: ["x"], notebook: "/two/n.ipynb" }),
    snapshot("1", { name: "c" }),
  ];
  const titles = (by: "name" | "tag" | "notebook") =>
    groupTasks(mixed, by).map(({ title, tasks }) => `${title}: ${ids(tasks)}`);

  it("are those of a name, of a set of tags, of a notebook, each task in one", () => {
    expect(titles("name")).toEqual(["a: 42", "b: 3", "c: 1"]);
    expect(titles("tag")).toEqual(["b, x: 43", "x: 2", "no tag: 1"]);
    expect(titles("notebook")).toEqual(["n.ipynb: 42", "no notebook: 31"]);
  });
});
