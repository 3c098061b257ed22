import { expect, test } from "vitest";
import cases from "../../../../tests/fold/cases.json";
import { applyEvent, emptyTask } from "../../src/model/reducer.js";
import type { TaskEvent } from "../../src/net/types.js";

test.each(cases.map((one) => [one.name, one] as const))("%s", (_, { events, snapshot }) => {
  const task = emptyTask("01JTASK00000000000000000AA");
  for (const event of events) applyEvent(task, event as TaskEvent);
  expect(JSON.parse(JSON.stringify(task))).toEqual(snapshot);
});
