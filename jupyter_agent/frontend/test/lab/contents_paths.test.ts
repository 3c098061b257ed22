import { describe, expect, it } from "vitest";
import { pathsBelow } from "../../src/lab/contents_paths.js";

describe("a notebook's path", () => {
  it("is its file relative to the server's root", () => {
    expect(pathsBelow("/srv/work", "/srv/work/a/b.ipynb")).toEqual(["a/b.ipynb"]);
    expect(pathsBelow("/", "/srv/b.ipynb")).toEqual(["srv/b.ipynb"]);
  });

  it("is missing for a file outside the root", () => {
    expect(pathsBelow("/srv/work", "/srv/workshop/b.ipynb")).toEqual([]);
    expect(pathsBelow("/srv", "")).toEqual([]);
  });

  it("is tried for each home that the root may mean", () => {
    expect(pathsBelow("~/work", "/home/ada/work/b.ipynb")).toEqual(["b.ipynb"]);
    expect(pathsBelow("~", "/root/b.ipynb")).toEqual(["b.ipynb"]);
    expect(pathsBelow("~", "/home/ada/b.ipynb")).toEqual(["ada/b.ipynb", "b.ipynb"]);
  });

  it("is the name itself where it is relative already", () => {
    expect(pathsBelow("/srv", "a/b.ipynb")).toEqual(["a/b.ipynb"]);
  });
});
