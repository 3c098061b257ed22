import { expect, test } from "vitest";
import { Gallery } from "../../src/model/gallery.js";
import { event } from "../support/event.js";

test("an empty display removes the one with its id", () => {
  const gallery = new Gallery();
  gallery.add(event(1, "display", { data: { "text/plain": "a" }, display_id: "x" }));
  gallery.add(event(2, "display", { data: { "text/plain": "b" } }));
  gallery.add(event(3, "display", { data: {}, display_id: "x" }));
  gallery.add(event(4, "display", { data: {}, display_id: "unknown" }));
  expect(gallery.displays.map((one) => one.data)).toEqual([{ "text/plain": "b" }]);
});

test("a display with a known id replaces the one before, and only the newest are kept", () => {
  const gallery = new Gallery();
  gallery.add(event(1, "display", { data: { "text/plain": "a" }, display_id: "x" }));
  gallery.add(event(2, "display", { data: { "text/plain": "b" }, display_id: "x" }));
  expect(gallery.displays.map((one) => one.data)).toEqual([{ "text/plain": "b" }]);
  for (let n = 3; n < 103; n += 1) gallery.add(event(n, "display", { data: { "text/plain": `${n}` } }));
  expect([gallery.displays.length, gallery.dropped]).toEqual([50, 51]);
});
