import { afterEach, expect, test, vi } from "vitest";
import { copyText } from "../../src/dom/clipboard.js";

const page = document as Document & { execCommand: (command: string) => boolean };

afterEach(() => vi.unstubAllGlobals());

test("an insecure page without a clipboard API copies all the same", async () => {
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

test("a browser's refusal to copy is an error message", async () => {
  vi.stubGlobal("navigator", {});
  page.execCommand = () => false;
  await expect(copyText("text")).rejects.toThrow("does not let this page copy");
});
