import { expect, test } from "vitest";
import { drawLine, linksIn, type Look } from "../../src/log/line_element.js";
import type { Line } from "../../src/model/log/line.js";
import { line } from "../support/lines.js";

const look = (more: Partial<Look> = {}): Look => ({
  version: "1",
  marksOf: () => [],
  timeOf: () => "",
  titleOf: () => "",
  addressOf: (number) => `https://hub/?line=${number}`,
  detailOf: () => "",
  isFolded: () => false,
  isCurrent: () => false,
  ...more,
});

function drawn(one: Line, more: Partial<Look> = {}): HTMLElement {
  const element = document.createElement("div");
  drawLine(element, one, look(more));
  return element;
}

test("only addresses of the web are links, without what ends a sentence", () => {
  const text = "see https://a.org/x?y=1, (http://b.org). javascript://c file:///etc";
  expect(linksIn(text).map(([from, to]) => text.slice(from, to))).toEqual([
    "https://a.org/x?y=1",
    "http://b.org",
  ]);
  const link = drawn(line(text)).querySelector("a")!;
  expect([link.rel, link.target]).toEqual(["noopener noreferrer", "_blank"]);
});

test("points in and after an address take no time that grows with their square", () => {
  const [address, points] = ["https://a.org/x", ".".repeat(200_000)];
  expect(linksIn(`${address}${points} ${address}${points}y`)[0]).toEqual([0, address.length]);
});

test("text is text, whatever it says, and number, time and logger are not in it", () => {
  const source = { ...line("").source, logger: "db" };
  const element = drawn(line("<img src=x>", { number: 7, source }), { timeOf: () => "12:00" });
  expect(element.textContent).toBe("<img src=x>");
  expect(element.querySelector("img")).toBeNull();
  expect([...element.children].map((one) => one.className)).toEqual(["ja-number", "ja-at", "ja-logger"]);
  expect(element.querySelector("a")!.href).toBe("https://hub/?line=7");
});

test("colours, marks and links may overlap", () => {
  const element = drawn(line("go https://a.org now", { runs: [[0, 8, "31"]] }), { marksOf: () => [[6, 12]] });
  expect(element.innerHTML).toBe(
    '<span class="ja-fg-1">go </span><a class="ja-address" href="https://a.org" target="_blank" rel="noopener noreferrer">' +
      '<span class="ja-fg-1">htt</span><mark class="ja-fg-1">ps</mark><mark class="">://a</mark>.org</a> now',
  );
});

test("a heading folds what belongs to it, and says how the attempt before it ended", () => {
  const element = drawn(line("Attempt 2", { kind: "attempt" }), {
    isFolded: () => true,
    detailOf: () => "attempt 1 failed",
  });
  expect(element.querySelector("button")!.getAttribute("aria-expanded")).toBe("false");
  expect(element.textContent).toBe("Attempt 2attempt 1 failed");
});
