import { expect, test } from "vitest";
import { Log } from "../../../src/model/log/log.js";
import { event } from "../../support/event.js";

const print = (offset: number, text: string, stream = "stdout") => event(offset, "log", { stream, text });
const texts = (log: Log) => log.lines.map((line) => line.text);

test("an unfinished line continues with the next print to the same stream", () => {
  const log = new Log();
  [print(1, "a"), print(2, "b\nc"), print(3, "oops\n", "stderr"), print(4, "d\n")].forEach((one) =>
    log.add(one),
  );
  expect(texts(log)).toEqual(["ab", "c", "oops", "d"]);
});

test("only the text after the last return is shown, without escape sequences", () => {
  const log = new Log();
  log.add(print(1, "10%\r20%\r30%\nend\n"));
  log.add(print(2, "\x1b[31mred\x1b[0m\n"));
  expect(texts(log)).toEqual(["30%", "end", "red"]);
});

test("surplus lines are dropped from the front, by whole events, and still counted", () => {
  const log = new Log(10);
  for (let n = 1; n <= 30; n += 1) log.add(print(n, `${n}\n${n}\n`));
  expect(log.lines.length).toBeLessThanOrEqual(11);
  expect(texts(log).at(-1)).toBe("30");
  expect(log.first).toBe(60 - log.lines.length);
  expect(log.events).toBe(log.lines.length / 2);
  expect(log.oldest).toBe(30 - log.events + 1);
});

test("while a reader holds the log no line is dropped, and earlier ones can be prepended", () => {
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
  expect(log.hasLosses).toBe(true);
});

test("losses in an earlier page count", () => {
  const log = new Log();
  log.add(event(9, "log", { stream: "stdout", text: "later" }));
  expect(log.hasLosses).toBe(false);
  log.prepend([event(4, "lost", { first: 1, last: 3, reason: "disk full" })]);
  expect(log.hasLosses).toBe(true);
});

test("lines have numbers, times and what they are from", () => {
  const log = new Log();
  log.add(event(1, "log", { stream: "stdout", text: "a\nb" }, { line: 41 }));
  log.add(event(2, "log", { stream: "stdout", text: "c\nd\n" }, { line: 42 }));
  log.add(event(3, "lost", { first: 1, last: 1, reason: "disk full" }));
  log.add(event(4, "log", { stream: "logging", text: "x\ny", level: "error", logger: "db" }, { line: 44 }));
  expect(log.lines.map(({ number, text }) => [number, text])).toEqual([
    [41, "a"],
    [42, "bc"],
    [43, "d"],
    [null, "events 1 to 1 are lost: disk full"],
    [44, "x"],
    [45, "y"],
  ]);
  expect(log.lines.at(-1)).toMatchObject({
    kind: "error",
    first: false,
    source: { logger: "db", time: 1004 },
  });
});

test("headings separate attempts and cells, wherever a page ends", () => {
  const part = (offset: number, attempt: number, section?: string) =>
    event(offset, "log", { stream: "stdout", text: `${offset}\n`, section }, { attempt, line: offset });
  const events = [
    part(1, 1, "cell 1"),
    part(2, 1, "cell 2"),
    part(3, 1, "cell 2"),
    part(4, 2, "cell 2"),
    part(5, 3),
  ];
  const expected = ["cell 1", "1", "cell 2", "2", "3", "Attempt 2", "cell 2", "4", "Attempt 3", "5"];
  for (let split = 0; split <= events.length; split += 1) {
    const log = new Log();
    for (const one of events.slice(split)) log.add(one);
    log.prepend(events.slice(0, split));
    expect(texts(log)).toEqual(expected);
    expect(log.end - log.first).toBe(expected.length);
  }
});

test("a log that begins with a later attempt says so only where it is the beginning", () => {
  const [whole, part] = [new Log(), new Log()];
  whole.add(event(9, "log", { stream: "stdout", text: "a" }, { attempt: 2, line: 1 }));
  part.add(event(9, "log", { stream: "stdout", text: "a" }, { attempt: 2, line: 7 }));
  expect([texts(whole), texts(part)]).toEqual([["Attempt 2", "a"], ["a"]]);
});

test("colours go on over the lines of an event, also of one that came in two", () => {
  const log = new Log();
  log.add(event(1, "log", { stream: "stdout", text: "ab\ncd", styles: [[1, 4, "31"]] }));
  log.add(event(2, "log", { stream: "stdout", text: "ef\n", styles: [[0, 1, "1"]] }));
  expect(log.lines.map(({ text, runs }) => [text, runs])).toEqual([
    ["ab", [[1, 2, "31"]]],
    [
      "cdef",
      [
        [0, 1, "31"],
        [2, 3, "1"],
      ],
    ],
  ]);
  expect(log.isStyled).toBe(true);
});
