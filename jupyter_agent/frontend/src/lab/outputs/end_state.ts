/** How a task ended, kept in the notebook: a saved file then shows it without any server. */

import type { Server } from "../../net/server.js";
import type { Snapshot } from "../../net/types.js";
import { TASK_MIME, WIDGET_MIME, toldOf } from "./mime.js";

/** What an output is made of, as far as it is changed here. */
export interface Output {
  readonly data: Record<string, unknown>;
  readonly metadata: Record<string, unknown>;
}

/** The still picture that the server draws of a task; null when it does not. */
export async function stillPicture(server: Server, id: string): Promise<string | null> {
  const response = await server
    .fetch(`tasks/${encodeURIComponent(id)}`, { headers: { Accept: "text/html" } })
    .catch(() => null);
  const type = response?.headers.get("Content-Type") ?? "";
  return response?.ok && type.startsWith("text/html") ? response.text() : null;
}

/** The task as the server knows it; null when it does not tell. */
export async function wholeTask(server: Server, id: string): Promise<Snapshot | null> {
  const response = await server.fetch(`tasks/${encodeURIComponent(id)}`).catch(() => null);
  return response?.ok ? response.json() : null;
}

/** Whether an output does not say yet how this attempt of its task ended. */
export function isNews(output: Output, task: Snapshot): boolean {
  const told = toldOf(output.metadata);
  if (told?.id !== task.id) return false;
  const known = told.snapshot;
  return known?.state !== task.state || known.attempt !== task.attempt || known.ended !== task.ended;
}

/** The output with the task as it ended. A kernel's widget is not in it: no file keeps that alive. */
export function ended(output: Output, task: Snapshot, picture: string | null): Output {
  const { [WIDGET_MIME]: _, ...data } = output.data;
  const told = output.metadata[TASK_MIME] as object;
  return {
    data: picture === null ? data : { ...data, "text/html": picture },
    metadata: { ...output.metadata, [TASK_MIME]: { ...told, snapshot: task } },
  };
}
