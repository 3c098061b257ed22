/** What the form is given, and what it gives back. */

import type { Snapshot } from "../net/types.js";

/** A schedule, as the server sends it; its trigger and target by their kinds. */
export interface Schedule {
  readonly id: string;
  readonly name: string;
  readonly target: Readonly<Record<string, unknown>> & { readonly kind: string };
  readonly trigger: Readonly<Record<string, unknown>> & { readonly kind: string };
  readonly text: string;
  readonly timezone: string;
  readonly overlap: string;
  readonly paused: boolean;
  readonly next: number | null;
  readonly last_task: string | null;
  readonly retries: number;
  readonly timeout: number | null;
  readonly cwd: string;
  /** Its newest tasks, newest first; absent in an answer of an older server. */
  readonly runs?: readonly Run[];
}

/** A task that a schedule queued. */
export interface Run {
  readonly task: string;
  readonly due: number;
  /** Null when the task was deleted, or is being queued. */
  readonly state: string | null;
  readonly started: number | null;
  readonly ended: number | null;
  readonly duration: number | null;
}

export interface RunOptions {
  /** A file below the server's root folder: a notebook or a Python program. */
  readonly path?: string;
  /** The schedule to edit; absent: a new task or schedule. */
  readonly schedule?: Schedule;
  /** Begin with a trigger, as where schedules are shown. */
  readonly scheduled?: boolean;
}

export type RunOutcome = { readonly task: Snapshot } | { readonly schedule: Schedule };
