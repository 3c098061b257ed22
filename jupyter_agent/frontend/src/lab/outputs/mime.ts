/** The metadata of outputs: which tasks an output shows. */

import { emptyTask } from "../../model/reducer.js";
import type { Snapshot } from "../../net/types.js";

export const TASK_MIME = "application/vnd.jupyter-agent.task.v1+json";
export const TASKS_MIME = "application/vnd.jupyter-agent.tasks.v1+json";
/** The MIME type of ipywidgets' views. */
export const WIDGET_MIME = "application/vnd.jupyter.widget-view+json";

/** One task's output. `snapshot`: the task when the output was made, or when it ended. */
export interface OutputMetadata {
  id: string;
  snapshot: Snapshot | null;
  slim: boolean;
}

/** Parse the metadata of a task's output; null when it names no task. */
export function parseOutputMetadata(metadata: Record<string, unknown>): OutputMetadata | null {
  const task = metadata[TASK_MIME];
  if (!isObject(task) || typeof task.task_id !== "string" || !task.task_id) return null;
  return { id: task.task_id, snapshot: parseSnapshot(task.snapshot, task.task_id), slim: task.slim === true };
}

/** Parse the metadata of a table: its tasks, in its order; null when it does not say which. */
export function parseTableMetadata(metadata: Record<string, unknown>): Snapshot[] | null {
  const table = metadata[TASKS_MIME];
  if (!isObject(table) || !Array.isArray(table.tasks)) return null;
  return table.tasks.flatMap((task) => parseSnapshot(task, isObject(task) ? task.id : null) ?? []);
}

/** Parse a snapshot from a file, which may contain anything; null unless it has at least an id and a state. */
function parseSnapshot(value: unknown, id: unknown): Snapshot | null {
  if (!isObject(value) || value.id !== id || typeof value.id !== "string" || typeof value.state !== "string")
    return null;
  const lists = {
    tags: listOrEmpty(value.tags),
    messages: listOrEmpty(value.messages),
    metrics: isObject(value.metrics) ? value.metrics : {},
  };
  return { ...emptyTask(value.id), ...value, ...lists } as Snapshot;
}

function listOrEmpty(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
