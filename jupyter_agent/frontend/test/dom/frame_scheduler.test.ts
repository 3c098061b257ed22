import { expect, test, vi } from "vitest";
import { FrameScheduler } from "../../src/dom/frame_scheduler.js";

test("a hidden drawing is updated once a second, and at once when it becomes visible", async () => {
  vi.useFakeTimers();
  const frames = new FrameScheduler();
  const drawn: string[] = [];
  frames.setVisible(false);
  void frames.nextFrame().then(() => drawn.push("after a second"));
  await vi.advanceTimersByTimeAsync(999);
  expect(drawn).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  void frames.nextFrame().then(() => drawn.push("seen"));
  frames.setVisible(true);
  await vi.advanceTimersByTimeAsync(0);
  expect(drawn).toEqual(["after a second", "seen"]);
  vi.useRealTimers();
});
