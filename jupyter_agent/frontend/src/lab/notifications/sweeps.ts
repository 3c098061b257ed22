/** Sweeps: tasks that belong together, and have one notification for all of their ends. Pure functions. */

import { toSingleLine } from "../../model/format.js";
import { END_STATES } from "../../model/reducer.js";
import type { Snapshot } from "../../net/types.js";
import type { TaskNotification } from "./rules.js";

/** Seconds between the starts of tasks of one name that no cell holds together. */
const MAX_DISTANCE = 600;

export interface SweepNotification {
  readonly type: TaskNotification["type"] | "in-progress";
  readonly text: string;
  /** Whether some of the tasks have not ended. */
  readonly isActive: boolean;
}

/** Return the tasks of a task's sweep, itself included: those of the same run of a cell; without a cell those of the
 * same name that were queued about then. */
export function sweepOf(task: Snapshot, all: readonly Snapshot[]): Snapshot[] {
  const isNear = ({ queued }: Snapshot) => Math.abs((queued ?? 0) - (task.queued ?? 0)) <= MAX_DISTANCE;
  return all.filter((one) =>
    task.run === null ? one.run === null && one.name === task.name && isNear(one) : one.run === task.run,
  );
}

/** Return the same text for all tasks of a sweep. */
export function sweepKey({ run, name }: Snapshot): string {
  return run === null ? `name ${name}` : `run ${run}`;
}

/** Return the notification of a sweep: "train: 12 of 200 ended, 1 failed". */
export function sweepNotification(tasks: readonly Snapshot[]): SweepNotification {
  const count = (state: string) => tasks.filter((task) => task.state === state).length;
  const ended = tasks.filter(({ state }) => END_STATES.has(state)).length;
  const [failed, interrupted, cancelled] = [count("failed"), count("interrupted"), count("cancelled")];
  const isActive = ended < tasks.length;
  const numbers = [`${ended} of ${tasks.length} ended`]
    .concat(failed ? `${failed} failed` : [])
    .concat(interrupted ? `${interrupted} interrupted` : [])
    .concat(cancelled ? `${cancelled} cancelled` : []);
  const type = isActive ? "in-progress" : failed ? "error" : interrupted ? "warning" : "success";
  return { type, text: `${titleOf(tasks)}: ${numbers.join(", ")}`, isActive };
}

function titleOf([first, ...others]: readonly Snapshot[]): string {
  const isSame = others.every(({ name }) => name === first?.name);
  return (isSame && toSingleLine(first?.name ?? "")) || "Tasks of a cell";
}
