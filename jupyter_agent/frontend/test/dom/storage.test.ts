import { expect, it, vi } from "vitest";
import { writePreferences } from "../../src/log/preferences.js";

it("a browser without room keeps nothing, and a press of a button goes on", () => {
  const full = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  vi.stubGlobal("localStorage", { getItem: () => null, setItem: full });
  expect(() => writePreferences({ time: "off", wrap: false })).not.toThrow();
});
