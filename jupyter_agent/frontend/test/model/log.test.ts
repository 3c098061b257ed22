import { expect, test } from "vitest";
import { Log } from "../../src/model/log.js";
import { event } from "../support/event.js";

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
});
