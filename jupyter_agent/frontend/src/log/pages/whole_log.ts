/** The whole log as a text file, with times. */

import { formatIso } from "../../model/format.js";
import { allEvents } from "../../model/history.js";
import type { Line } from "../../model/log/line.js";
import { Log, LOG_TYPES } from "../../model/log/log.js";
import type { TaskStore } from "../../model/task_store.js";

/** Return the text of all lines; each begins with the time, and a record with its level and logger. */
export async function wholeText(store: TaskStore): Promise<string> {
  const log = new Log(Infinity);
  for await (const events of allEvents(store.server, store.taskId, LOG_TYPES)) {
    for (const event of events) log.add(event);
  }
  return log.lines.map((line) => `${timeOf(line)}${prefixOf(line)}${line.text}\n`).join("");
}

/** Return the name of the file of a task's log. */
export function fileName(name: string): string {
  const plain = name.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[-.]+|-+$/g, "");
  return `${plain.slice(0, 80) || "task"}.log`;
}

/** Return the time in UTC, which a file is read with anywhere. */
function timeOf({ source }: Line): string {
  const time = formatIso(source.time);
  return time && `${time}  `;
}

function prefixOf({ first, source }: Line): string {
  if (!first || source.level === null) return "";
  return `${source.level.toUpperCase()}  ${source.logger && source.logger !== "root" ? `${source.logger}: ` : ""}`;
}
