import { expect, test } from "vitest";
import { PagedLog } from "../../src/log/pages/paged_log.js";
import type { TaskStore } from "../../src/model/task_store.js";
import type { TaskEvent } from "../../src/net/types.js";
import { event } from "../support/scripted_server.js";

const record = (offset: number, lines: number) =>
  event(offset, "t", "log", { stream: "logging", level: "ERROR", text: "x\n".repeat(lines) });

/** A store whose server answers with `answer`; `asked` are the cursors before which it was asked. */
function storeOf(answer: () => Response) {
  const [taps, asked] = [new Set<(event: TaskEvent) => void>(), [] as (string | null)[]];
  const fetch = (path: string) => {
    asked.push(new URL(path, "http://x/").searchParams.get("before"));
    return Promise.resolve(answer());
  };
  const cursorAt = (offset: number) => `e:${offset}`;
  const store = { taskId: "t", server: { fetch }, cursor: "e:9", cursorAt, taps } as unknown as TaskStore;
  return { store, taps, asked };
}

const page = (events: TaskEvent[] = []) => Response.json({ events, cursor: "e:0", more: false });

test("lines of a level go on in bounded memory, and those that were dropped are loaded again", async () => {
  const { store, taps, asked } = storeOf(() => page());
  const paged = await PagedLog.ofLevel(store, "error", () => {});
  expect(paged.earlier).toBe(0);
  for (let offset = 10; offset < 1010; offset += 1) for (const tap of taps) tap(record(offset, 300));
  expect(paged.log.lines.length).toBeLessThan(280_000);
  expect(paged.earlier).toBeNull();
  await paged.loadEarlier();
  expect(asked).toEqual(["e:9", `e:${paged.log.oldest! - 1}`]);
});

test("what the server cannot read is no line of a level", async () => {
  const { store, taps } = storeOf(() => page());
  const paged = await PagedLog.ofLevel(store, "error", () => {});
  const unreadable = { ...record(10, 1), flag: "bad_data", data: { stream: "logging", level: 5 } };
  for (const tap of taps) tap(unreadable as unknown as TaskEvent);
  expect(paged.log.lines).toEqual([]);
});

test("lines of a level that cannot be loaded, or are closed, do not go on", async () => {
  const refusing = storeOf(() => Response.json({ message: "busy" }, { status: 400 }));
  await expect(PagedLog.ofLevel(refusing.store, "error", () => {})).rejects.toThrow("busy");
  expect(refusing.taps.size).toBe(0);
  const { store, taps } = storeOf(() => page([record(3, 1)]));
  const paged = await PagedLog.ofLevel(store, "error", () => {});
  expect([taps.size, paged.log.lines.length]).toEqual([1, 1]);
  paged.close();
  expect(taps.size).toBe(0);
});
