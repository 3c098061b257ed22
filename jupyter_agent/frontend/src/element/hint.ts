/** What a view says of its task's server: that it refuses, is logged out of, or does not know the task. */

import { endNotice } from "../dom/end_notice.js";
import { END_STATES } from "../model/reducer.js";
import type { TaskStore } from "../model/task_store.js";
import type { Snapshot } from "../net/types.js";
import type { TaskProps } from "./sections.js";

const UNKNOWN_TASK = "This server does not know the task; this is what the notebook knew of it.";
/** Seconds after its last update during which a task unknown to the server may be just beginning. */
const UNKNOWN_GRACE = 10;

/** Return the hint; empty when there is nothing to say. `known`: the snapshot that is not the server's. */
export function hintOf(store: TaskStore | null, known: Snapshot | null, now: number): TaskProps["hint"] {
  if (!store) return "";
  const ended = endNotice(store.server, store.connection) ?? store.refusal;
  if (ended) return ended;
  const old = known && (END_STATES.has(known.state) || now - (known.updated ?? 0) > UNKNOWN_GRACE);
  return store.isUnknown && !store.task && old ? UNKNOWN_TASK : "";
}
