import { beforeEach, describe, expect, it } from "vitest";
import { followTouch, partOf } from "../../src/plot/touch.js";

describe("two fingers", () => {
  it("keep what is under them under them", () => {
    const [left, right] = partOf([100, 200], [50, 250], 400)!;
    expect(right - left).toBe(200); // twice as far apart: half of it is shown
    expect(left + 50 / 2).toBe(100);
    expect(left + 250 / 2).toBe(200);
  });

  it("show more when they come together, also what lies outside", () => {
    expect(partOf([50, 250], [100, 200], 400)).toEqual([-150, 650]);
  });

  it("do nothing while they hardly move, or change sides", () => {
    expect(partOf([100, 200], [98, 204], 400)).toBeNull();
    expect(partOf([100, 200], [200, 100], 400)).toBeNull();
  });
});

describe("fingers", () => {
  let told: string[];
  let over: EventTarget & { clientWidth: number; getBoundingClientRect(): object };

  beforeEach(() => {
    told = [];
    const place = { clientWidth: 400, getBoundingClientRect: () => ({ left: 0, width: 400 }) };
    over = Object.assign(new EventTarget(), place);
    followTouch(over as unknown as HTMLElement, {
      preview: (left, right) => void told.push(`preview ${left} ${right}`),
      choose: (left, right) => void told.push(`choose ${left} ${right}`),
      grasp: () => void told.push("grasp"),
      pinch: (left, right) => void told.push(`pinch ${left} ${right}`),
    });
  });

  const finger = (what: string, clientX: number, pointerId = 1, pointerType = "touch") =>
    over.dispatchEvent(Object.assign(new Event(`pointer${what}`), { clientX, pointerId, pointerType }));

  it.each([
    ["a tap", "up", 105, "preview 0 0"],
    ["a move that the page took to scroll", "cancel", 300, "preview 0 0"],
    ["a move to the left", "up", 40, "choose 40 100"],
    ["a move beyond the edge", "up", 900, "choose 100 400"],
  ])("end %s", (_, what, place, last) => {
    finger("down", 100);
    finger(what, place);
    expect(told).toEqual([last]);
  });

  it("that zoomed choose nothing when they are lifted one after the other", () => {
    finger("down", 100, 1);
    finger("down", 200, 2);
    finger("move", 300, 2);
    finger("up", 300, 2);
    finger("move", 20, 1);
    finger("up", 20, 1);
    expect(told).toEqual(["preview 0 0", "grasp", "pinch 50 250"]);
  });

  it("are followed, not a mouse", () => {
    finger("down", 100, 1, "mouse");
    finger("up", 300, 1, "mouse");
    expect(told).toEqual([]);
  });
});
