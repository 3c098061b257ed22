import { describe, expect, it } from "vitest";
import { expectsLog } from "../../src/element/sections.js";
import { snapshot } from "../support/scripted_server.js";

describe("room for the log", () => {
  it("is kept while the task runs", () => {
    expect(expectsLog(snapshot("t", { state: "running" }), true)).toBe(true);
  });

  it("stays at the end until the log is drawn, where there is one", () => {
    expect(expectsLog(snapshot("t", { state: "completed", logs: 3 }), true)).toBe(true);
    expect(expectsLog(snapshot("t", { state: "completed", logs: 0 }), true)).toBe(false);
  });

  it("is not made for a task that had ended before", () => {
    expect(expectsLog(snapshot("t", { state: "completed", logs: 3 }), false)).toBe(false);
  });
});
