/** The values of a task's metrics as a table. */

import { formatIso } from "../format.js";
import type { TaskEvent } from "../../net/types.js";

export const CSV_HEAD = "metric,step,time,value\n";

export async function metricsCsv(pages: AsyncIterable<TaskEvent[]>): Promise<string> {
  return [CSV_HEAD, ...(await metricLines(pages))].join("");
}

/** Return a line for each value of the newest attempt among these events, the times as ISO 8601. */
export async function metricLines(pages: AsyncIterable<TaskEvent[]>): Promise<string[]> {
  let [lines, attempt]: [string[], number] = [[], 0];
  for await (const events of pages) {
    for (const event of events) {
      if (event.attempt > attempt) [lines, attempt] = [[], event.attempt];
      if (event.type !== "metric" || event.attempt < attempt || event.flag === "bad_data") continue;
      const { name, step, value } = event.data;
      lines.push(`${quoted(name)},${step ?? ""},${formatIso(event.time)},${value ?? ""}\n`);
    }
  }
  return lines;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
