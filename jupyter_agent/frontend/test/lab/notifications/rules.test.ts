import { describe, expect, it } from "vitest";
import { notificationOf, type NotificationPolicy } from "../../../src/lab/notifications/rules.js";
import { done, task } from "../../support/task.js";

describe("what a person is told", () => {
  const wishes: NotificationPolicy = { notify: "long", longAfter: 30 };
  const running = task("a");

  it("is that a long task has ended", () => {
    expect(notificationOf(running, done(), wishes)).toEqual({
      key: "a 1 completed",
      kind: "end",
      type: "success",
      text: "train completed after 1:00 min",
    });
  });

  it("is why it failed, and that its process went away", () => {
    const error = { type: "ValueError", message: "no such\ncolumn" };
    expect(notificationOf(running, done({ state: "failed", error }), wishes)).toMatchObject({
      type: "error",
      text: "train failed after 1:00 min: ValueError: no such column",
    });
    expect(notificationOf(running, done({ state: "interrupted" }), wishes)).toMatchObject({
      type: "warning",
    });
  });

  it("is not the end of a short task, unless all are wanted", () => {
    expect(notificationOf(running, done({ ended: 1029 }), wishes)).toBeNull();
    expect(notificationOf(running, done({ ended: 1029 }), { ...wishes, notify: "all" })).toMatchObject({
      kind: "end",
    });
    expect(notificationOf(running, done({ ended: 1029 }), { ...wishes, longAfter: 20 })).toMatchObject({
      kind: "end",
    });
  });

  it("is not what somebody asked for, not the same again, and nothing at all when that is wanted", () => {
    expect(notificationOf(running, done({ state: "cancelled" }), wishes)).toBeNull();
    expect(notificationOf(done(), done(), wishes)).toBeNull();
    expect(notificationOf(running, done(), { ...wishes, notify: "never" })).toBeNull();
  });

  it("is a question, once", () => {
    const asking = task("a", { prompt: { prompt_id: "p", text: "Which?", choices: null } });
    expect(notificationOf(running, asking, wishes)).toEqual({
      key: "a p",
      kind: "question",
      type: "info",
      text: "train asks: Which?",
    });
    expect(notificationOf(asking, { ...asking }, wishes)).toBeNull();
    expect(notificationOf(running, task("a"), wishes)).toBeNull();
  });
});
