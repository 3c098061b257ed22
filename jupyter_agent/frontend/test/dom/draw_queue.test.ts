import { beforeEach, expect, it, vi } from "vitest";
import { DrawQueue } from "../../src/dom/draw_queue.js";

let frames: (() => void)[];
let now: number;
let drawn: string[];
let queue: DrawQueue;

beforeEach(() => {
  [frames, now, drawn, queue] = [[], 0, [], new DrawQueue()];
  vi.stubGlobal("requestAnimationFrame", (frame: () => void) => frames.push(frame));
  vi.spyOn(performance, "now").mockImplementation(() => now);
});

function frame(): string[] {
  const before = drawn.length;
  for (const one of frames.splice(0)) one();
  return drawn.slice(before);
}

/** A drawing that takes `took` milliseconds. */
const draws = (name: string, took: number) => () => {
  drawn.push(name);
  now += took;
};

it("draws in the order of the calls, as many in a frame as its budget allows", () => {
  for (const name of ["a", "b", "c", "d"]) queue.add(draws(name, 4));
  expect([frame(), frame(), frame()]).toEqual([["a", "b"], ["c", "d"], []]);
});

it("draws one at least in each frame, and what came twice once", () => {
  const slow = draws("slow", 50);
  queue.add(slow);
  queue.add(slow);
  queue.add(draws("next", 1));
  expect([frame(), frame(), frame()]).toEqual([["slow"], ["next"], []]);
});

it("draws one in a frame of what cannot be seen, after what can", () => {
  for (const name of ["x", "y", "z"]) queue.add(draws(name, 1), false);
  for (const name of ["a", "b"]) queue.add(draws(name, 1));
  expect([frame(), frame(), frame()]).toEqual([["a", "b", "x"], ["y"], ["z"]]);
});

it("draws with what can be seen what has come into sight", () => {
  const [x, y] = [draws("x", 1), draws("y", 1)];
  queue.add(x, false);
  queue.add(y, false);
  queue.add(y, true);
  expect([frame(), frame()]).toEqual([["y", "x"], []]);
});

it("does not draw what was dropped", () => {
  const [gone, unseen] = [draws("gone", 1), draws("unseen", 1)];
  queue.add(gone);
  queue.add(unseen, false);
  queue.drop(gone);
  queue.drop(unseen);
  expect([frame(), frame()]).toEqual([[], []]);
});

it("goes on with the others after one that fails", () => {
  queue.add(() => {
    throw new Error("broken");
  });
  queue.add(draws("next", 1));
  expect(frame).toThrow("broken");
  expect(frame()).toEqual(["next"]);
});
