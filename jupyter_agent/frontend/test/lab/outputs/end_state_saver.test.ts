import { describe, expect, it, vi } from "vitest";
import type { DirtyState } from "../../../src/lab/outputs/dirty_state.js";
import { EndStateSaver } from "../../../src/lab/outputs/end_state_saver.js";
import type { SharedNotebooks } from "../../../src/lab/outputs/shared_notebooks.js";
import { TASK_MIME } from "../../../src/lab/outputs/mime.js";
import type { Server } from "../../../src/net/server.js";
import type { Snapshot } from "../../../src/net/types.js";
import { done, task } from "../../support/task.js";

function watched(outputs: object[], fetch: unknown): (before: Snapshot | null, after: Snapshot) => void {
  const cell = { type: "code", outputs: { length: outputs.length, get: (at: number) => outputs[at] } };
  const tracker = {
    forEach: (look: (panel: unknown) => void) => look({ content: { model: { cells: [cell] } } }),
  };
  const marks = { change: (_: unknown, change: () => void) => change() };
  let tell: (before: Snapshot | null, after: Snapshot) => void = () => {};
  const list = { subscribeToChanges: (change: typeof tell) => (tell = change) };
  const shared = { of: () => null };
  new EndStateSaver(
    { fetch } as unknown as Server,
    marks as unknown as DirtyState,
    shared as unknown as SharedNotebooks,
  ).watch(list as never, tracker as never);
  return tell;
}

describe("outputs that are not drawn", () => {
  it("get the whole task, with the metrics and logs that a list lacks", async () => {
    const whole = done({ logs: 7, metrics: { loss: { value: 0.5, step: 3 } } });
    const fetch = async (_: string, init?: RequestInit) =>
      init ? new Response("<p>", { headers: { "Content-Type": "text/html" } }) : Response.json(whole);
    const output = {
      data: {},
      metadata: { [TASK_MIME]: { task_id: "a", snapshot: task("a") } },
      setData: vi.fn(),
    };
    watched([output], fetch)(task("a"), done());
    await vi.waitFor(() => expect(output.setData).toHaveBeenCalledOnce());
    expect(output.setData.mock.calls[0]![0].metadata[TASK_MIME].snapshot).toEqual(whole);
  });

  it("are read once for all tasks that end together", async () => {
    const read = vi.fn();
    const ids = ["a", "b", "c", "d"];
    const outputs = ids.map((id) => ({
      get metadata() {
        read();
        return { [TASK_MIME]: { task_id: id, snapshot: task(id) } };
      },
    }));
    const fetch = vi.fn(async () => new Response("", { status: 404 }));
    const tell = watched(outputs, fetch);
    for (const id of ids) tell(task(id), done({ id }));
    await vi.waitFor(() => expect(fetch).toHaveBeenCalledTimes(ids.length));
    expect(read).toHaveBeenCalledTimes(outputs.length);
  });
});
