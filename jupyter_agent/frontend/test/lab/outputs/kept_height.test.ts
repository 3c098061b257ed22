import { expect, it, vi } from "vitest";
import type { Widget } from "@lumino/widgets";

vi.mock("@jupyterlab/notebook", () => ({ NotebookActions: {} }));

it("measures a cell once, however many of its views ask for its height to be kept", async () => {
  const observe = vi.fn();
  class Observer {
    observe = observe;
    disconnect = vi.fn();
  }
  vi.stubGlobal("ResizeObserver", Observer);
  vi.stubGlobal("MutationObserver", Observer);
  const { keepHeight } = await import("../../../src/lab/outputs/kept_height.js");
  const getBoundingClientRect = vi.fn(() => ({ height: 90, width: 400 }));
  const node = { getBoundingClientRect, children: [{}, {}], style: {}, addEventListener: vi.fn() };
  for (let view = 0; view < 200; view++) keepHeight({ node } as unknown as Widget);
  expect(getBoundingClientRect).toHaveBeenCalledTimes(1);
  expect(observe).toHaveBeenCalledTimes(3); // two outputs, and their area
});
