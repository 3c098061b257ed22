import { describe, expect, it } from "vitest";
import {
  countStates,
  countValues,
  formatQuery,
  notebooksOf,
  parseQuery,
  searchTasks,
  tagsOf,
  valuesOf,
  withField,
  withoutToken,
} from "../../../src/list/filters/query.js";
import { snapshot } from "../../support/scripted_server.js";

/** The clock: 2026-11-30 12:00, local time. */
const NOW = Date.parse("2026-11-30T12:00") / 1000;
const HOUR = 3600;
const asks = { prompt_id: "p", text: "?", choices: null };
const tasks = [
  snapshot("4", { name: "Train big", tags: ["GPU", "eu west"], notebook: "/home/ada/vision.ipynb" }),
  snapshot("3", { name: "crawl", state: "failed", queued: NOW - 3 * HOUR, ended: NOW - 2 * HOUR }),
  snapshot("2", { name: "train small", prompt: asks, kind: "cell" }),
  snapshot("1", {
    name: "export",
    state: "completed",
    queued: NOW - 30 * HOUR,
    ended: NOW - 26 * HOUR,
    params: { path: "/data/x.csv", lr: "3e-4" },
  }),
];
const found = (query: string) => searchTasks(tasks, query, NOW).map((task) => task.id);

describe("a search", () => {
  it.each([
    ["train", ["4", "2"]],
    ["TRAIN gpu", ["4"]],
    ["vision", ["4"]],
    ["lr=3e-4 export", ["1"]],
    ["  ", ["4", "3", "2", "1"]],
    ["none", []],
    ["state:failed", ["3"]],
    ["constructor:x", []],
    ["__proto__:x", []],
    ["state:failed,completed", ["3", "1"]],
    ["State:Failed CRAWL", ["3"]],
    ["state:failed train", []],
    ["tag:gpu", ["4"]],
    ['tag:"eu west"', ["4"]],
    ["tag:west", []],
    ["notebook:vision", ["4"]],
    ["name:train", ["4", "2"]],
    ["kind:cell", ["2"]],
    ["is:waiting", ["2"]],
    ["is:active", ["4", "2"]],
    ["is:ended", ["3", "1"]],
    ["is:nothing", []],
    ["last:1h", ["4", "2"]],
    ["last:3h", ["4", "3", "2"]],
    ["last:2d", ["4", "3", "2", "1"]],
    ["after:2026-11-30", ["4", "3", "2"]],
    ["after:2026-11-30T10:30", ["4", "2"]],
    ["after:2026-11-29 before:2026-11-30 is:ended", ["1"]],
    ["before:never", []],
    ["other:vision", []],
    ["state:", ["4", "3", "2", "1"]],
  ])("for %j finds %j", (query, ids) => expect(found(query)).toEqual(ids));

  it("with an unfinished time finds everything, as while it is typed", () => {
    expect(found("last:2")).toEqual(["4", "3", "2", "1"]);
  });

  it("has parts; a colon after another word is the word's", () => {
    expect(parseQuery('a state:failed tag:"eu west" http://x "b c" 12:30 tag:"open')).toEqual([
      { field: "", value: "a" },
      { field: "state", value: "failed" },
      { field: "tag", value: "eu west" },
      { field: "", value: "http://x" },
      { field: "", value: "b c" },
      { field: "", value: "12:30" },
      { field: "tag", value: "open" },
    ]);
  });

  it.each([
    { field: "tag", value: 'a "big" one' },
    { field: "tag", value: '"' },
    { field: "", value: "state:failed" },
    { field: "", value: "State:failed" },
    { field: "", value: "http://x" },
    { field: "", value: 'say "hi"' },
    { field: "notebook", value: "C:\\my notes\\a.ipynb" },
  ])("written and read again is the same: %j", (token) => {
    expect(parseQuery(formatQuery([token, { field: "name", value: "x" }]))).toEqual([
      token,
      { field: "name", value: "x" },
    ]);
  });

  it("is changed by its parts", () => {
    const query = 'train state:failed tag:"eu west"';
    expect(valuesOf(query, "tag")).toEqual(["eu west"]);
    expect(withField(query, "state", "queued")).toBe('train tag:"eu west" state:queued');
    expect(withField(query, "state", "")).toBe('train tag:"eu west"');
    expect(withoutToken(query, { field: "tag", value: "eu west" })).toBe("train state:failed");
  });
});

describe("counts", () => {
  it("of states are in the order of the chips", () => {
    expect(countStates(tasks)).toEqual([
      ["running", 2],
      ["completed", 1],
      ["failed", 1],
    ]);
  });

  it("of values begin with the most frequent", () => {
    const tagged = [["b"], ["a", "b"], ["c"]].map((tags, n) => snapshot(String(n), { tags }));
    expect(countValues(tagged, tagsOf)).toEqual([
      ["b", 2],
      ["a", 1],
      ["c", 1],
    ]);
    expect(countValues(tasks, notebooksOf)).toEqual([["vision.ipynb", 1]]);
  });
});
