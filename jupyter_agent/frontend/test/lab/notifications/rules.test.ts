import { describe, expect, it } from "vitest";
import { notificationOf, type NotificationPolicy } from "../../../src/lab/notifications/rules.js";
import { done, task } from "../../support/task.js";

describe("notifications", () => {
  const policy: NotificationPolicy = { notify: "long", longAfter: 30 };
  const running = task("a");

  it("report the end of a long task", () => {
    expect(notificationOf(running, done(), policy)).toEqual({
      key: "a 1 completed",
      kind: "end",
      type: "success",
      text: "train completed after 1m 00s",
    });
  });

  it("report an error and a lost process", () => {
    const error = { type: "ValueError", message: "no such\ncolumn" };
    expect(notificationOf(running, done({ state: "failed", error }), policy)).toMatchObject({
      type: "error",
      text: "train failed after 1m 00s: ValueError: no such column",
    });
    expect(notificationOf(running, done({ state: "interrupted" }), policy)).toMatchObject({
      type: "warning",
    });
  });

  it("leave out the end of a short task, unless the policy is 'all'", () => {
    expect(notificationOf(running, done({ ended: 1029 }), policy)).toBeNull();
    expect(notificationOf(running, done({ ended: 1029 }), { ...policy, notify: "all" })).toMatchObject({
      kind: "end",
    });
    expect(notificationOf(running, done({ ended: 1029 }), { ...policy, longAfter: 20 })).toMatchObject({
      kind: "end",
    });
  });

  it("leave out cancelled tasks and repetitions, and everything if the policy is 'never'", () => {
    expect(notificationOf(running, done({ state: "cancelled" }), policy)).toBeNull();
    expect(notificationOf(done(), done(), policy)).toBeNull();
    expect(notificationOf(running, done(), { ...policy, notify: "never" })).toBeNull();
  });

  it("report a question once", () => {
    const asking = task("a", { prompt: { prompt_id: "p", text: "Which?", choices: null } });
    expect(notificationOf(running, asking, policy)).toEqual({
      key: "a p",
      kind: "question",
      type: "info",
      text: "train asks: Which?",
    });
    expect(notificationOf(asking, { ...asking }, policy)).toBeNull();
    expect(notificationOf(running, task("a"), policy)).toBeNull();
  });
});
