import { beforeEach, expect, it, vi } from "vitest";
import { ChartSet } from "../../src/element/plots/chart_set.js";

/** Milliseconds that each drawing takes. */
const TAKES = 5;

let now: number;
let frames: (() => void)[];
let drawn: string[];
let see: (boxes: HTMLElement[]) => void;

beforeEach(() => {
  [now, frames, drawn] = [0, [], []];
  vi.spyOn(performance, "now").mockImplementation(() => now);
  vi.stubGlobal("requestAnimationFrame", (draw: () => void) => frames.push(draw));
  vi.stubGlobal(
    "IntersectionObserver",
    class {
      constructor(changed: (entries: object[]) => void) {
        see = (boxes) => changed(boxes.map((target) => ({ target, isIntersecting: true })));
      }
      observe(): void {}
      disconnect(): void {}
    },
  );
});

function boxOf(key: string): HTMLElement {
  const box = document.createElement("div");
  box.dataset.key = key;
  return box;
}

it("draws a few charts in each frame, as the time that they take allows", () => {
  const owner = {
    handlersOf: () => ({}),
    drawChart: (key: string, _: unknown, before: string) => {
      if (before === "shown") return before;
      drawn.push(key);
      now += TAKES;
      return "shown";
    },
  };
  const set = new ChartSet({ Chart: Object } as never, owner as never);
  const boxes = ["a", "b", "c", "d", "e"].map((key) => boxOf(key));
  set.follow(boxes);
  see(boxes);
  const perFrame: number[] = [];
  while (frames.length > 0) {
    const before = drawn.length;
    frames.shift()!();
    perFrame.push(drawn.length - before);
  }
  expect(drawn).toEqual(["a", "b", "c", "d", "e"]);
  expect(perFrame).toEqual([2, 2, 1]);
});
