/** What an output says in its metadata of the tasks it shows. */

import { emptyTask } from "../../model/reducer.js";
import type { Snapshot } from "../../net/types.js";

export const TASK_MIME = "application/vnd.jupyter-agent.task.v1+json";
export const TASKS_MIME = "application/vnd.jupyter-agent.tasks.v1+json";
/** The view that ipywidgets would draw. */
export const WIDGET_MIME = "application/vnd.jupyter.widget-view+json";

/** One task's output. `snapshot`: the task when the output was made, or when it ended. */
export interface Told {
  id: string;
  snapshot: Snapshot | null;
  slim: boolean;
}

/** What the metadata of a task's output says; null when it names no task. */
export function toldOf(metadata: Record<string, unknown>): Told | null {
  const told = metadata[TASK_MIME];
  if (!isObject(told) || typeof told.task_id !== "string" || !told.task_id) return null;
  return { id: told.task_id, snapshot: snapshotOf(told.snapshot, told.task_id), slim: told.slim === true };
}

/** The tasks that a table shows, in its order. */
export function tableOf(metadata: Record<string, unknown>): Snapshot[] {
  const told = metadata[TASKS_MIME];
  if (!isObject(told) || !Array.isArray(told.tasks)) return [];
  return told.tasks.flatMap((task) => snapshotOf(task, isObject(task) ? task.id : null) ?? []);
}

/** A file may hold anything; a snapshot has at least these. */
function snapshotOf(value: unknown, id: unknown): Snapshot | null {
  if (!isObject(value) || value.id !== id || typeof value.id !== "string" || typeof value.state !== "string")
    return null;
  const lists = {
    tags: listOf(value.tags),
    messages: listOf(value.messages),
    metrics: isObject(value.metrics) ? value.metrics : {},
  };
  return { ...emptyTask(value.id), ...value, ...lists } as Snapshot;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
