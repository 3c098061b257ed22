import { describe, expect, it } from "vitest";
import { detailText, notebookOf, progressText, splitName, timeText } from "../../src/list/labels.js";
import type { Snapshot } from "../../src/net/types.js";
import { snapshot } from "../support/scripted_server.js";

describe("the texts of a row", () => {
  const now = 2000;

  it.each<[Partial<Snapshot>, string, string]>([
    [{ state: "queued", queued: 1990 }, "waiting", "10s"],
    [{ started: 1940 }, "", "1m 00s"],
    [{ started: 1940, progress: { done: 7, total: null, message: null } }, "7 done", "1m 00s"],
    [{ started: 1940, progress: { done: 25, total: 100, message: null } }, "25%", "1m 30s left"],
    [
      { started: 1940, progress: { done: 25, total: 100, message: null }, cancel_requested: true },
      "25%",
      "1m 00s",
    ],
    [{ state: "completed", started: 1000, ended: 1090 }, "1m 30s", "15m ago"],
    [{ state: "completed", started: 1000, ended: 1000.5 }, "0.5s", "16m ago"],
    [{ state: "cancelled", started: null, ended: 1995 }, "", "just now"],
  ])("%j: %j, %j", (fields, size, time) => {
    const task = snapshot("1", fields);
    expect([progressText(task), timeText(task, 75 / 90, now)]).toEqual([size, time]);
  });

  it.each<[Partial<Snapshot>, string]>([
    [{ progress: { done: 1, total: 2, message: "epoch\n1" } }, "epoch 1"],
    [
      { state: "failed", error: { type: "ValueError", message: "no such\ncolumn" } },
      "ValueError: no such column",
    ],
    [{ state: "completed", result: { repr: "0.93", stored: true } }, "0.93"],
    [{ state: "completed", result: { repr: "None", stored: true } }, ""],
    [{ state: "completed", kind: "command", result: { repr: "0", stored: true } }, "exit 0"],
    [{ state: "interrupted", progress: { done: 43, total: 100, message: null } }, "stopped at 43%"],
    [
      { state: "queued", attempt: 2, reason: "attempt 2 of 4 in 1.8 s, after E: no" },
      "attempt 2 of 4 in 1.8 s, after E: no",
    ],
    [
      { state: "queued", waiting: { why: "workers", text: "waits for a worker: it is busy", until: null } },
      "waits for a worker: it is busy",
    ],
    [
      {
        stopping: {
          since: -3,
          until: 12,
          why: "cancel",
          where: "in `f`, cell [3], line 7",
          where_since: -2,
          note: "no",
          again: false,
          confirmed: true,
        },
      },
      "12s left to clean up; in `f`, cell [3], line 7, for 2s; no",
    ],
    [{ state: "cancelled", reason: "did not stop in 15 s, killed" }, "did not stop in 15 s, killed"],
  ])("%j: %j", (fields, words) => expect(detailText(snapshot("1", fields), 0)).toBe(words));

  it.each([
    ["/a/b c.ipynb", "b c.ipynb"],
    ["C:\\a\\b.ipynb", "b.ipynb"],
    [null, ""],
  ])("the notebook of %j is %j", (path, name) => {
    expect(notebookOf(snapshot("1", { notebook: path }))).toBe(name);
  });
});

describe("a long name", () => {
  it.each([
    ["train", "train", ""],
    ["train-resnet50-lr0.001-seed5", "train-resnet50-l", "r0.001-seed5"],
    ["💡".repeat(12), "💡".repeat(12), ""],
    ["💡".repeat(13), "💡", "💡".repeat(12)],
    [`${"a".repeat(20)}e\u0301${"b".repeat(11)}`, `${"a".repeat(20)}e\u0301${"b".repeat(11)}`, ""],
  ])("%j is cut only in its first part", (name, start, end) => {
    expect(splitName(name)).toEqual([start, end]);
  });
});
