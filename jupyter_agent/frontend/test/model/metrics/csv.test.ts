import { expect, test } from "vitest";
import { metricsCsv } from "../../../src/model/metrics/csv.js";
import type { TaskEvent } from "../../../src/net/types.js";
import { event } from "../../support/event.js";

async function* pages(...all: TaskEvent[][]): AsyncGenerator<TaskEvent[]> {
  yield* all;
}

test("the table has the values of the newest attempt", async () => {
  const metric = (offset: number, data: object, attempt = 2) => event(offset, "metric", data, { attempt });
  const table = await metricsCsv(
    pages(
      [
        metric(1, { name: "loss", value: 9, step: 1 }, 1),
        event(2, "state", { state: "queued" }, { attempt: 2 }),
      ],
      [metric(3, { name: "loss", value: 0.5, step: 1 }), metric(4, { name: "late", value: 1 }, 1)],
      [
        { ...metric(7, { name: "acc", value: 1, step: 2 }), time: 1e14 },
        metric(5, { name: 'a, "b"', value: null, step: null }),
        { ...metric(6, { name: "x" }), flag: "bad_data" },
      ],
    ),
  );
  expect(table).toBe(
    "metric,step,time,value\n" +
      "loss,1,1970-01-01T00:16:43.000Z,0.5\n" +
      "acc,2,,1\n" +
      '"a, ""b""",,1970-01-01T00:16:45.000Z,\n',
  );
});
