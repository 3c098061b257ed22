import { beforeEach, expect, test, vi } from "vitest";
import { PLAIN_VIEW } from "../../../src/list/filters/arrange.js";
import {
  deleteFilter,
  keepView,
  keptView,
  savedFilters,
  saveFilter,
  viewInAddress,
  withView,
} from "../../../src/list/filters/saved_filters.js";

const KEY = "jupyter-agent filters";
const failed = { ...PLAIN_VIEW, name: "failed", query: "state:failed" };

beforeEach(() => localStorage.clear());

test("a saved view is there again; one of the same name replaces it", () => {
  saveFilter(failed);
  saveFilter({ ...PLAIN_VIEW, name: "by tag", group: "tag", sort: "name", reversed: true });
  saveFilter({ ...failed, query: "state:failed last:24h" });
  expect(savedFilters()).toEqual([
    { ...PLAIN_VIEW, name: "by tag", group: "tag", sort: "name", reversed: true },
    { ...failed, query: "state:failed last:24h" },
  ]);
  deleteFilter("failed");
  expect(savedFilters().map(({ name }) => name)).toEqual(["by tag"]);
});

test.each(["{", "3", "[1, null, {}]"])("what another program left (%s) is no view", (text) => {
  localStorage.setItem(KEY, text);
  expect(savedFilters()).toEqual([]);
});

test("an unknown order of a later version is the usual one", () => {
  localStorage.setItem(KEY, JSON.stringify([{ name: "a", sort: "colour", group: "moon", query: 3 }]));
  expect(savedFilters()).toEqual([{ ...PLAIN_VIEW, name: "a" }]);
});

test("a browser that keeps nothing for the page has no saved views", () => {
  vi.spyOn(globalThis, "localStorage", "get").mockImplementation(() => {
    throw new DOMException("denied", "SecurityError");
  });
  saveFilter(failed);
  expect(savedFilters()).toEqual([]);
});

test("a list keeps its order and its groups under its own name, and no search", () => {
  keepView("panel", { query: "state:failed", sort: "name", reversed: true, group: "tag" });
  expect(keptView("panel")).toEqual({ query: "", sort: "name", reversed: true, group: "tag" });
  expect(keptView("other")).toEqual(PLAIN_VIEW);
  localStorage.setItem("jupyter-agent view of panel", "{");
  expect(keptView("panel")).toEqual(PLAIN_VIEW);
});

test("a view in an address is the same again, beside what else is there", () => {
  const view = { query: "state:failed a&b", sort: "name", reversed: true, group: "tag" } as const;
  const search = withView("?task=1&view=list", view);
  expect(viewInAddress(search)).toEqual(view);
  expect(new URLSearchParams(search).get("task")).toBe("1");
  expect(withView(search, PLAIN_VIEW)).toBe("?task=1&view=list");
  expect([withView("", PLAIN_VIEW), viewInAddress("")]).toEqual(["", PLAIN_VIEW]);
});
