/** What a view says of its task's server: that it refuses, is logged out of, or does not know the task. */

import { endNotice } from "../dom/end_notice.js";
import { END_STATES } from "../model/reducer.js";
import type { TaskStore } from "../model/task_store.js";
import type { Snapshot } from "../net/types.js";
import type { TaskProps } from "./sections.js";

const UNKNOWN_TASK = "This server does not know the task; this is what the notebook knew of it.";
/** Seconds after its last update during which a task unknown to the server may be just beginning. */
const UNKNOWN_GRACE = 10;

/** A spool is named by its producer's id. */
const NAMES_A_SPOOL = /\b[0-9A-HJKMNP-TV-Z]{26}\b/;

/** Return what the server says of its health that concerns a task of this producer: that process's own spool, or the
 * server itself, but not the spools of other processes. */
export function troubleOf(sentences: readonly string[], producer: string | null): string {
  const own = producer && sentences.find((sentence) => sentence.includes(producer));
  return own || (sentences.filter((sentence) => !NAMES_A_SPOOL.test(sentence)).at(-1) ?? "");
}

/** Return the hint; empty when there is nothing to say. `known`: the snapshot that is not the server's. */
export function hintOf(store: TaskStore | null, known: Snapshot | null, now: number): TaskProps["hint"] {
  if (!store) return "";
  const ended = endNotice(store.server, store.connection) ?? store.refusal;
  if (ended) return ended;
  const old = known && (END_STATES.has(known.state) || now - (known.updated ?? 0) > UNKNOWN_GRACE);
  return store.isUnknown && !store.task && old ? UNKNOWN_TASK : "";
}
