import { Login } from "../../../src/net/login.js";
import { describe, expect, it } from "vitest";
import { fetchTaskHtml, isOutdated, savedLine, withEndState } from "../../../src/lab/outputs/end_state.js";
import { TASK_MIME, WIDGET_MIME } from "../../../src/lab/outputs/mime.js";
import type { Server } from "../../../src/net/server.js";
import cases from "../../../../../tests/formats.json";
import { done, task } from "../../support/task.js";

describe("the end state in an output", () => {
  const output = {
    data: {
      [TASK_MIME]: { v: 1 },
      [WIDGET_MIME]: { model_id: "m" },
      "text/html": "begun",
      "text/plain": "<Task train>",
    },
    metadata: { other: 1, [TASK_MIME]: { task_id: "a", slim: true, snapshot: task("a") } },
  };

  it("is outdated until the end state is saved", () => {
    expect(isOutdated(output, done())).toBe(true);
    expect(isOutdated(withEndState(output, done(), "picture"), done())).toBe(false);
  });

  it("is outdated again after another attempt, and never by another task", () => {
    const kept = withEndState(output, done(), null);
    expect(isOutdated(kept, done({ attempt: 2 }))).toBe(true);
    expect(isOutdated(kept, done({ ended: 1061 }))).toBe(true);
    expect(isOutdated(output, { ...done(), id: "b" })).toBe(false);
  });

  it("removes the widget and keeps everything else", () => {
    const { data, metadata } = withEndState(output, done(), "picture");
    const text = "<Task train completed in 1m 00s a>";
    expect(data).toEqual({ [TASK_MIME]: { v: 1 }, "text/html": "picture", "text/plain": text });
    expect(metadata).toEqual({ other: 1, [TASK_MIME]: { task_id: "a", slim: true, snapshot: done() } });
  });

  it("keeps the HTML when there is no new one", () => {
    expect(withEndState(output, done(), null).data["text/html"]).toBe("begun");
  });

  it("is a line of text, the same as the kernel's", () => {
    for (const [fields, text] of cases.saved) {
      expect(savedLine({ ...task("01ARZ3NDEKTSV4RRFFQ69G5FAV"), ...(fields as object) })).toBe(text);
    }
  });

  const server = (answer: () => Response): Server => ({
    base: "/",
    wsUrl: "",
    login: new Login("/"),
    fetch: async () => answer(),
  });
  const page = (text: string, status = 200, type = "text/html") =>
    new Response(text, { status, headers: { "Content-Type": type } });

  it("is rendered by the server", async () => {
    expect(
      await fetchTaskHtml(
        server(() => page("<div>")),
        "a",
      ),
    ).toBe("<div>");
  });

  it("is not taken from a login page, from JSON or without an answer", async () => {
    expect(
      await fetchTaskHtml(
        server(() => page("{}", 200, "application/json")),
        "a",
      ),
    ).toBeNull();
    expect(
      await fetchTaskHtml(
        server(() => page("who are you", 403)),
        "a",
      ),
    ).toBeNull();
    expect(
      await fetchTaskHtml(
        server(() => {
          throw new TypeError("offline");
        }),
        "a",
      ),
    ).toBeNull();
  });
});
