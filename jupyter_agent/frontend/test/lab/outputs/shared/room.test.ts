import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from "y-protocols/awareness";
import { Doc } from "yjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Room } from "../../../../src/lab/outputs/shared/room.js";

const all: Awareness[] = [];

/** A page in the room. As in Jupyter's server, what others have said before does not reach it. */
function page(id: number, changed = vi.fn()) {
  const awareness = new Awareness(Object.assign(new Doc(), { clientID: id }));
  const others = [...all];
  all.push(awareness);
  const connect = (from: Awareness, to: Awareness) =>
    from.on("update", (_: unknown, origin: unknown) => {
      if (origin === "local")
        applyAwarenessUpdate(to, encodeAwarenessUpdate(from, [from.clientID]), "remote");
    });
  for (const other of others) {
    connect(other, awareness);
    connect(awareness, other);
  }
  const window = new EventTarget();
  return { room: new Room(awareness, changed, window), changed, window };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  for (const awareness of all.splice(0)) awareness.destroy();
  vi.useRealTimers();
});

describe("the writer", () => {
  it("is the same for all, also for a page that comes later", () => {
    const pages = [page(7), page(3), page(5)];
    expect(pages[0]!.room.writer).toBeNull();
    for (const { room } of pages) void room.join();
    expect(pages.map(({ room }) => room.writer)).toEqual([3, 3, 3]);
  });

  it("is another one as soon as it was left, and the others are told", () => {
    const pages = [page(7), page(3)];
    for (const { room } of pages) void room.join();
    pages[0]!.changed.mockClear();
    all[1]!.setLocalStateField("jupyter-agent", "left");
    expect(pages[0]!.changed).toHaveBeenCalled();
    expect(pages[0]!.room.writer).toBe(7);
    expect(pages[0]!.room.has(3)).toBe(false);
  });

  it("does not change because somebody moves a cursor", () => {
    const pages = [page(7), page(3)];
    for (const { room } of pages) void room.join();
    pages[0]!.changed.mockClear();
    all[1]!.setLocalStateField("cursors", [1]);
    expect(pages[0]!.changed).not.toHaveBeenCalled();
  });

  it("leaves the room when its browser leaves the page, and comes back with it", () => {
    const { room, window } = page(7);
    void room.join();
    window.dispatchEvent(new Event("pagehide"));
    expect(room.writer).toBeNull();
    window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
    expect(room.writer).toBe(7);
  });
});
