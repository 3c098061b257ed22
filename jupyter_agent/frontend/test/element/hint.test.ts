import { expect, it } from "vitest";

import { troubleOf } from "../../src/element/hint.js";

const [OWN, OTHER] = ["01JZZZZZZZZZZZZZZZZZZZZZZA", "01JZZZZZZZZZZZZZZZZZZZZZZB"];
const of = (producer: string) =>
  `a process on ada: the disk is full for /spools/${producer}: events are dropped`;

it.each([
  ["its own process before the server", [of(OTHER), of(OWN), "the journal is full"], of(OWN)],
  ["the server, not another process", ["the journal is full", of(OTHER)], "the journal is full"],
  ["nothing of other processes", [of(OTHER)], ""],
  ["nothing when all is well", [], ""],
])("a view says %s", (_, sentences, said) => {
  expect(troubleOf(sentences, OWN)).toBe(said);
});

it("a view of a task without a process says what the server says", () => {
  expect(troubleOf(["the journal is full", of(OTHER)], null)).toBe("the journal is full");
});
