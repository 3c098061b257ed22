import { afterEach, expect, test, vi } from "vitest";
import { copyText } from "../../src/dom/clipboard.js";

const page = document as Document & { execCommand: (command: string) => boolean };

afterEach(() => vi.unstubAllGlobals());

test("a page that is not secure has no clipboard, and copies all the same", async () => {
  vi.stubGlobal("navigator", {});
  const [copied, others] = [new Map<string, string>(), vi.fn()];
  document.addEventListener("copy", others);
  page.execCommand = () => {
    const event = new Event("copy", { cancelable: true });
    return !document.dispatchEvent(
      Object.assign(event, { clipboardData: { setData: copied.set.bind(copied) } }),
    );
  };
  await copyText("text");
  expect([...copied]).toEqual([["text/plain", "text"]]);
  expect(others).not.toHaveBeenCalled();
  document.dispatchEvent(new Event("copy"));
  expect([copied.size, others.mock.calls.length]).toEqual([1, 1]);
});

test("a browser that does not let it copy is told in a sentence", async () => {
  vi.stubGlobal("navigator", {});
  page.execCommand = () => false;
  await expect(copyText("text")).rejects.toThrow("does not let this page copy");
});
