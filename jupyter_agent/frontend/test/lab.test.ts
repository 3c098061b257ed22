import { describe, expect, it, vi } from "vitest";
import schema from "../schema/plugin.json";
import { Keeper } from "../src/lab/outputs/end_state_saver.js";
import { isStale, lostViews } from "../src/lab/outputs/lost_views.js";
import type { Marks } from "../src/lab/outputs/dirty_state.js";
import { TASK_MIME, TASKS_MIME, WIDGET_MIME, tableOf, toldOf } from "../src/lab/outputs/mime.js";
import { noticeOf, type Wishes } from "../src/lab/notifications/rules.js";
import { pathsBelow } from "../src/lab/contents_paths.js";
import { Settings } from "../src/lab/notifications/settings.js";
import { ended, isNews, stillPicture } from "../src/lab/outputs/end_state.js";
import { emptyTask } from "../src/model/reducer.js";
import type { Server } from "../src/net/server.js";
import type { Snapshot } from "../src/net/types.js";

const task = (id: string, fields: Partial<Snapshot> = {}): Snapshot => ({
  ...emptyTask(id),
  name: "train",
  state: "running",
  cell: "c",
  run: "r1",
  view: "full",
  queued: 1000,
  started: 1000,
  ...fields,
});
const done = (fields: Partial<Snapshot> = {}) => task("a", { state: "completed", ended: 1060, ...fields });

describe("what an output says", () => {
  it("names its task, with the snapshot and how it is shown", () => {
    const told = toldOf({ [TASK_MIME]: { task_id: "a", snapshot: task("a"), slim: true } });
    expect(told).toEqual({ id: "a", snapshot: task("a"), slim: true });
  });

  it.each([
    {},
    { [TASK_MIME]: null },
    { [TASK_MIME]: [] },
    { [TASK_MIME]: { task_id: 7 } },
    { [TASK_MIME]: { task_id: "" } },
  ])("names no task in %j", (metadata) => expect(toldOf(metadata)).toBeNull());

  it("takes no snapshot of another task, and none that is none", () => {
    for (const snapshot of [task("b"), "text", { id: "a" }, null]) {
      expect(toldOf({ [TASK_MIME]: { task_id: "a", snapshot } })!.snapshot).toBeNull();
    }
  });

  it("may be a snapshot that lacks what other versions put there", () => {
    const { snapshot } = toldOf({ [TASK_MIME]: { task_id: "a", snapshot: { id: "a", state: "running" } } })!;
    expect(snapshot).toEqual({ ...emptyTask("a"), state: "running" });
  });

  it("names the tasks of a table in order, leaving out what is none", () => {
    const metadata = { [TASKS_MIME]: { tasks: [task("b"), null, { id: 1 }, task("a")] } };
    expect(tableOf(metadata).map(({ id }) => id)).toEqual(["b", "a"]);
    expect(tableOf({})).toEqual([]);
  });
});

describe("views that a cell has lost", () => {
  const cell = (fields: object = {}) => ({
    id: "c",
    shown: new Set<string>(),
    runs: new Set<string | null>(),
    saved: 0,
    ...fields,
  });
  const ids = (tasks: Snapshot[]) => tasks.map(({ id }) => id);

  it("are the tasks of its latest run, in the order in which they were made", () => {
    const tasks = [task("4", { run: "r2" }), task("3", { run: "r2" }), task("2"), task("1")];
    expect(ids(lostViews(tasks, cell()))).toEqual(["3", "4"]);
  });

  it("are not those of other cells", () => {
    expect(lostViews([task("1", { cell: "d" })], cell())).toEqual([]);
  });

  it("are not those that are there", () => {
    expect(ids(lostViews([task("1"), task("2")], cell({ shown: new Set(["1"]) })))).toEqual(["2"]);
  });

  it("are not those that the run did not show, and a run that showed nothing takes earlier ones away", () => {
    expect(lostViews([task("2", { run: "r2", view: null }), task("1")], cell())).toEqual([]);
  });

  it("are not those that the saved file could have had", () => {
    expect(lostViews([task("1", { queued: 1000 })], cell({ saved: 1100 }))).toEqual([]);
    expect(ids(lostViews([task("1", { queued: 1000 })], cell({ saved: 999 })))).toEqual(["1"]);
  });

  it("are those of a file that was saved while the output was under way", () => {
    expect(ids(lostViews([task("1", { queued: 1000 })], cell({ saved: 1001 })))).toEqual(["1"]);
  });

  it("are not the older tasks of a retry: the retried one keeps its place", () => {
    const tasks = [task("1", { queued: 3000, attempt: 2 }), task("2", { run: "r2", queued: 2000 })];
    expect(ids(lostViews(tasks, cell()))).toEqual(["2"]);
  });

  it("are one task where nobody knows the run", () => {
    expect(ids(lostViews([task("1", { run: null }), task("2", { run: null })], cell()))).toEqual(["2"]);
  });

  it("take the place of what a run before theirs had left", () => {
    const [lost, saved] = [[task("1", { queued: 1000 })], 900];
    expect(isStale(lost, cell({ saved }))).toBe(true);
    expect(isStale(lost, cell({ saved, runs: new Set(["r0", null]) }))).toBe(true);
    expect(isStale(lost, cell({ saved, runs: new Set(["r1"]) }))).toBe(false);
    expect(isStale(lost, cell({ saved: 1001 }))).toBe(false);
    expect(isStale([task("1", { run: null })], cell({ saved }))).toBe(false);
    expect(isStale([], cell({ saved }))).toBe(false);
  });
});

describe("how a task ended, in its output", () => {
  const output = {
    data: {
      [TASK_MIME]: { v: 1 },
      [WIDGET_MIME]: { model_id: "m" },
      "text/html": "begun",
      "text/plain": "<Task train>",
    },
    metadata: { other: 1, [TASK_MIME]: { task_id: "a", slim: true, snapshot: task("a") } },
  };

  it("is news once", () => {
    expect(isNews(output, done())).toBe(true);
    expect(isNews(ended(output, done(), "picture"), done())).toBe(false);
  });

  it("is news again after another attempt, and no news of another task", () => {
    const kept = ended(output, done(), null);
    expect(isNews(kept, done({ attempt: 2 }))).toBe(true);
    expect(isNews(kept, done({ ended: 1061 }))).toBe(true);
    expect(isNews(output, { ...done(), id: "b" })).toBe(false);
  });

  it("takes the widget away and leaves what is others'", () => {
    const { data, metadata } = ended(output, done(), "picture");
    expect(data).toEqual({ [TASK_MIME]: { v: 1 }, "text/html": "picture", "text/plain": "<Task train>" });
    expect(metadata).toEqual({ other: 1, [TASK_MIME]: { task_id: "a", slim: true, snapshot: done() } });
  });

  it("leaves the picture when there is no new one", () => {
    expect(ended(output, done(), null).data["text/html"]).toBe("begun");
  });

  const server = (answer: () => Response): Server => ({ base: "/", wsUrl: "", fetch: async () => answer() });
  const page = (text: string, status = 200, type = "text/html") =>
    new Response(text, { status, headers: { "Content-Type": type } });

  it("is drawn by the server", async () => {
    expect(
      await stillPicture(
        server(() => page("<div>")),
        "a",
      ),
    ).toBe("<div>");
  });

  it("is not taken from a login page's redirect, from JSON or from nobody", async () => {
    expect(
      await stillPicture(
        server(() => page("{}", 200, "application/json")),
        "a",
      ),
    ).toBeNull();
    expect(
      await stillPicture(
        server(() => page("who are you", 403)),
        "a",
      ),
    ).toBeNull();
    expect(
      await stillPicture(
        server(() => {
          throw new TypeError("offline");
        }),
        "a",
      ),
    ).toBeNull();
  });
});

describe("what a person is told", () => {
  const wishes: Wishes = { notify: "long", longAfter: 30 };
  const running = task("a");

  it("is that a long task has ended", () => {
    expect(noticeOf(running, done(), wishes)).toEqual({
      key: "a 1 completed",
      kind: "end",
      type: "success",
      text: "train completed after 1:00 min",
    });
  });

  it("is why it failed, and that its process went away", () => {
    const error = { type: "ValueError", message: "no such\ncolumn" };
    expect(noticeOf(running, done({ state: "failed", error }), wishes)).toMatchObject({
      type: "error",
      text: "train failed after 1:00 min: ValueError: no such column",
    });
    expect(noticeOf(running, done({ state: "interrupted" }), wishes)).toMatchObject({ type: "warning" });
  });

  it("is not the end of a short task, unless all are wanted", () => {
    expect(noticeOf(running, done({ ended: 1029 }), wishes)).toBeNull();
    expect(noticeOf(running, done({ ended: 1029 }), { ...wishes, notify: "all" })).toMatchObject({
      kind: "end",
    });
    expect(noticeOf(running, done({ ended: 1029 }), { ...wishes, longAfter: 20 })).toMatchObject({
      kind: "end",
    });
  });

  it("is not what somebody asked for, not the same again, and nothing at all when that is wanted", () => {
    expect(noticeOf(running, done({ state: "cancelled" }), wishes)).toBeNull();
    expect(noticeOf(done(), done(), wishes)).toBeNull();
    expect(noticeOf(running, done(), { ...wishes, notify: "never" })).toBeNull();
  });

  it("is a question, once", () => {
    const asking = task("a", { prompt: { prompt_id: "p", text: "Which?", choices: null } });
    expect(noticeOf(running, asking, wishes)).toEqual({
      key: "a p",
      kind: "question",
      type: "info",
      text: "train asks: Which?",
    });
    expect(noticeOf(asking, { ...asking }, wishes)).toBeNull();
    expect(noticeOf(running, task("a"), wishes)).toBeNull();
  });
});

describe("what is kept in outputs that nobody draws", () => {
  it("is the whole task: a list does not hear of its metrics and logs", async () => {
    const whole = done({ logs: 7, metrics: { loss: { value: 0.5, step: 3 } } });
    const fetch = async (_: string, init?: RequestInit) =>
      init ? new Response("<p>", { headers: { "Content-Type": "text/html" } }) : Response.json(whole);
    const output = {
      data: {},
      metadata: { [TASK_MIME]: { task_id: "a", snapshot: task("a") } },
      setData: vi.fn(),
    };
    const cell = { type: "code", outputs: { length: 1, get: () => output } };
    const tracker = {
      forEach: (look: (panel: unknown) => void) => look({ content: { model: { cells: [cell] } } }),
    };
    const marks = { change: (_: unknown, change: () => void) => change() };
    let tell: (before: Snapshot | null, after: Snapshot) => void = () => {};
    const list = { watchChanges: (change: typeof tell) => (tell = change) };
    new Keeper({ fetch } as unknown as Server, marks as unknown as Marks).watch(
      list as never,
      tracker as never,
    );
    tell(task("a"), done());
    await vi.waitFor(() => expect(output.setData).toHaveBeenCalledOnce());
    expect(output.setData.mock.calls[0]![0].metadata[TASK_MIME].snapshot).toEqual(whole);
  });
});

describe("settings", () => {
  it("are without a registry as the schema has them", () => {
    const { notify, longAfter, statusBar } = new Settings();
    const { properties } = schema;
    expect([notify, longAfter, statusBar]).toEqual([
      properties.notify.default,
      properties.longAfter.default,
      properties.statusBar.default,
    ]);
  });
});

describe("a notebook's path", () => {
  it("is what is left of its file below the server's root", () => {
    expect(pathsBelow("/srv/work", "/srv/work/a/b.ipynb")).toEqual(["a/b.ipynb"]);
    expect(pathsBelow("/", "/srv/b.ipynb")).toEqual(["srv/b.ipynb"]);
  });

  it("is not there for a file that is elsewhere", () => {
    expect(pathsBelow("/srv/work", "/srv/workshop/b.ipynb")).toEqual([]);
    expect(pathsBelow("/srv", "")).toEqual([]);
  });

  it("is tried for each home that the root may mean", () => {
    expect(pathsBelow("~/work", "/home/ada/work/b.ipynb")).toEqual(["b.ipynb"]);
    expect(pathsBelow("~", "/root/b.ipynb")).toEqual(["b.ipynb"]);
    expect(pathsBelow("~", "/home/ada/b.ipynb")).toEqual(["ada/b.ipynb", "b.ipynb"]);
  });

  it("is the name itself where it is relative already", () => {
    expect(pathsBelow("/srv", "a/b.ipynb")).toEqual(["a/b.ipynb"]);
  });
});
