import { expect, test } from "vitest";
import { Log } from "../src/model/log.js";
import { Rows, width } from "../src/element/line_layout.js";
import { Search } from "../src/element/search.js";
import { event } from "./event.js";

const print = (offset: number, text: string, stream = "stdout") => event(offset, "log", { stream, text });
const texts = (log: Log) => log.lines.map((line) => line.text);

test("a line that has no end goes on with the next print to the same stream", () => {
  const log = new Log();
  [print(1, "a"), print(2, "b\nc"), print(3, "oops\n", "stderr"), print(4, "d\n")].forEach((one) =>
    log.add(one),
  );
  expect(texts(log)).toEqual(["ab", "c", "oops", "d"]);
});

test("only what follows the last return is seen, and no escape sequence", () => {
  const log = new Log();
  log.add(print(1, "10%\r20%\r30%\nend\n"));
  log.add(print(2, "\x1b[31mred\x1b[0m\n"));
  expect(texts(log)).toEqual(["30%", "end", "red"]);
});

test("too many lines are dropped from the front, whole events, and still counted", () => {
  const log = new Log(10);
  for (let n = 1; n <= 30; n += 1) log.add(print(n, `${n}\n${n}\n`));
  expect(log.lines.length).toBeLessThanOrEqual(11);
  expect(texts(log).at(-1)).toBe("30");
  expect(log.first).toBe(60 - log.lines.length);
  expect(log.events).toBe(log.lines.length / 2);
  expect(log.oldest).toBe(30 - log.events + 1);
});

test("while somebody reads earlier lines none is dropped, and earlier ones can be put before", () => {
  const log = new Log(10);
  const reader = {};
  for (let n = 101; n <= 110; n += 1) log.add(print(n, `${n}\n`));
  log.hold(reader);
  log.prepend([...Array(20).keys()].map((n) => print(81 + n, `${81 + n}\n`)));
  expect(texts(log)).toEqual([...Array(30).keys()].map((n) => `${81 + n}`));
  expect([log.first, log.end, log.oldest, log.events]).toEqual([-20, 10, 81, 30]);
  log.release(reader);
  expect(log.lines.length).toBe(10);
  expect(log.oldest).toBe(101);
});

test("levels have their colours, and lost events are named", () => {
  const log = new Log();
  for (const level of ["info", "WARNING", "critical"])
    log.add(event(1, "log", { stream: "logging", level, text: level }));
  log.add(event(4, "lost", { first: 1, last: 9, reason: "disk full" }));
  expect(log.lines.map((line) => line.kind)).toEqual(["logging", "warning", "error", "note"]);
  expect(texts(log).at(-1)).toBe("events 1 to 9 are lost: disk full");
});

const lines = (first: number, ...text: string[]) => ({
  first,
  end: first + text.length,
  lines: text.map((one) => ({ kind: "stdout" as const, text: one })),
});

test("a line takes as many rows as its characters need", () => {
  const rows = new Rows(10);
  rows.sync(lines(0, "", "x".repeat(10), "x".repeat(11), "漢字漢字漢字"));
  expect([0, 1, 2, 3, 4].map((line) => rows.top(line))).toEqual([0, 1, 2, 4, 6]);
  expect([-5, 0, 1, 3, 4, 99].map((row) => rows.lineAt(row))).toEqual([0, 0, 1, 2, 3, 3]);
  expect([width("a\tb"), width("👍")]).toEqual([10, 2]);
});

test("rows follow lines that come, grow, are dropped, or are put before, as if laid out anew", () => {
  const steps = [
    lines(0, "a"),
    lines(0, "a".repeat(25), "b"),
    lines(1, "b", "c".repeat(12)),
    lines(-2, "y".repeat(30), "z", "a".repeat(25), "b", "c"),
    lines(3, "q"),
  ];
  const rows = new Rows(10);
  for (const step of steps) {
    rows.sync(step);
    const anew = new Rows(10);
    anew.sync({ ...step, first: 0, end: step.lines.length });
    const heights = (one: Rows, first: number) =>
      step.lines.map((_, at) => one.top(first + at + 1) - one.top(first + at));
    expect(heights(rows, step.first)).toEqual(heights(anew, 0));
    expect(rows.end - rows.start).toBe(anew.end);
  }
});

test("a search finds the newest first, goes round, and keeps its place while the log grows", () => {
  const search = new Search();
  const log = { ...lines(0, "epoch 1", "other", "Epoch 2") };
  search.look("epoch", log);
  expect([search.count, search.position, search.line]).toEqual([2, 2, 2]);
  search.step(1);
  expect(search.line).toBe(0);
  search.step(-1);
  search.update(lines(-1, "epoch 0", "epoch 1", "other", "Epoch 2", "epoch 3"));
  expect([search.count, search.position, search.line]).toEqual([4, 3, 2]);
  expect(search.marksOf("an Epoch is an epoch")).toEqual([
    [3, 8],
    [15, 20],
  ]);
});
