/** The values of a task's metrics as a table. */

import type { TaskEvent } from "../../net/types.js";

/** Return a line for each value of the newest attempt among these events, the times as ISO 8601. */
export async function metricsCsv(pages: AsyncIterable<TaskEvent[]>): Promise<string> {
  const head = "metric,step,time,value\n";
  let [lines, attempt] = [[head], 0];
  for await (const events of pages) {
    for (const event of events) {
      if (event.attempt > attempt) [lines, attempt] = [[head], event.attempt];
      if (event.type !== "metric" || event.attempt < attempt || event.flag === "bad_data") continue;
      const { name, step, value } = event.data;
      lines.push(
        `${quoted(name)},${step ?? ""},${new Date(event.time * 1000).toISOString()},${value ?? ""}\n`,
      );
    }
  }
  return lines.join("");
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
