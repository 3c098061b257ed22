import { describe, expect, it } from "vitest";
import {
  TASK_MIME,
  TASKS_MIME,
  parseOutputMetadata,
  parseTableMetadata,
} from "../../../src/lab/outputs/mime.js";
import { emptyTask } from "../../../src/model/reducer.js";
import { task } from "../../support/task.js";

describe("the metadata of an output", () => {
  it("names its task, with the snapshot and how it is shown", () => {
    const parsed = parseOutputMetadata({ [TASK_MIME]: { task_id: "a", snapshot: task("a"), slim: true } });
    expect(parsed).toEqual({ id: "a", snapshot: task("a"), slim: true });
  });

  it.each([
    {},
    { [TASK_MIME]: null },
    { [TASK_MIME]: [] },
    { [TASK_MIME]: { task_id: 7 } },
    { [TASK_MIME]: { task_id: "" } },
  ])("names no task in %j", (metadata) => expect(parseOutputMetadata(metadata)).toBeNull());

  it("ignores a snapshot of another task and an invalid one", () => {
    for (const snapshot of [task("b"), "text", { id: "a" }, null]) {
      expect(parseOutputMetadata({ [TASK_MIME]: { task_id: "a", snapshot } })!.snapshot).toBeNull();
    }
  });

  it("completes a snapshot of another version", () => {
    const { snapshot } = parseOutputMetadata({
      [TASK_MIME]: { task_id: "a", snapshot: { id: "a", state: "running" } },
    })!;
    expect(snapshot).toEqual({ ...emptyTask("a"), state: "running" });
  });

  it("names the tasks of a table in order, without invalid ones", () => {
    const metadata = { [TASKS_MIME]: { tasks: [task("b"), null, { id: 1 }, task("a")] } };
    expect(parseTableMetadata(metadata)?.map(({ id }) => id)).toEqual(["b", "a"]);
    expect(parseTableMetadata({})).toBe(null);
  });
});
