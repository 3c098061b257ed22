/** The end state of a task in an output: a saved notebook then shows it without a server. */

import { formatDuration, toSingleLine } from "../../model/format.js";
import type { Server } from "../../net/server.js";
import type { Snapshot } from "../../net/types.js";
import { TASK_MIME, WIDGET_MIME, parseOutputMetadata, type OutputMetadata } from "./mime.js";

/** The parts of an output that are changed here. */
export interface Output {
  readonly data: Record<string, unknown>;
  readonly metadata: Record<string, unknown>;
}

/** Fetch the static HTML of a task, rendered by the server; null when the server does not deliver it. */
export async function fetchTaskHtml(server: Server, id: string): Promise<string | null> {
  const response = await server
    .fetch(`tasks/${encodeURIComponent(id)}`, { headers: { Accept: "text/html" } })
    .catch(() => null);
  const type = response?.headers.get("Content-Type") ?? "";
  return response?.ok && type.startsWith("text/html") ? response.text() : null;
}

/** Fetch the snapshot of a task; null when the server does not deliver it. */
export async function fetchTask(server: Server, id: string): Promise<Snapshot | null> {
  const response = await server.fetch(`tasks/${encodeURIComponent(id)}`).catch(() => null);
  return response?.ok ? ((await response.json()) as Snapshot) : null;
}

/** Return the text of a task's card, true for as long as it is kept: the end, if it has ended. The kernel writes
 * the same: `rendering/summary.py`. */
export function savedLine(task: Snapshot): string {
  const words = [toSingleLine(task.name)];
  if (task.ended !== null) {
    const took = task.started === null ? "" : formatDuration(task.ended - task.started);
    words.push(task.state, ...(took ? [`in ${took}`] : []), task.id.slice(-6));
  }
  return `<Task ${words.join(" ")}>`;
}

/** Return whether an output lacks the end state of this attempt of its task. */
export function isOutdated(output: Output, task: Snapshot): boolean {
  const shown = parseOutputMetadata(output.metadata);
  return shown?.id === task.id && lacksEnd(shown, task);
}

/** Return whether what an output says of a task lacks the end state of this attempt. */
export function lacksEnd({ snapshot: known }: OutputMetadata, task: Snapshot): boolean {
  return known?.state !== task.state || known.attempt !== task.attempt || known.ended !== task.ended;
}

/** Return the output with the end state of its task, and without the kernel's widget, which a file cannot keep.
 * `staticHtml`: null keeps the HTML that is there. */
export function withEndState(output: Output, task: Snapshot, staticHtml: string | null): Output {
  const { [WIDGET_MIME]: _, ...data } = output.data;
  const shown = output.metadata[TASK_MIME] as object;
  const html = staticHtml === null ? {} : { "text/html": staticHtml };
  return {
    data: { ...data, ...html, "text/plain": savedLine(task) },
    metadata: { ...output.metadata, [TASK_MIME]: { ...shown, snapshot: task } },
  };
}
