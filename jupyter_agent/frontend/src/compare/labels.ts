/** What tells the runs of a comparison apart. */

import { nameOf, toSingleLine } from "../model/format.js";
import type { Snapshot } from "../net/types.js";

/** Return the names of the parameters that are not the same in all tasks, in the order in which they first appear. */
export function differingParams(tasks: readonly Snapshot[]): string[] {
  const names = new Set(tasks.flatMap((task) => Object.keys(paramsOf(task))));
  return [...names].filter((name) => new Set(tasks.map((task) => paramOf(task, name))).size > 1);
}

/** Return a parameter's text; null for a task that does not have it. */
export function paramOf(task: Snapshot, name: string): string | null {
  const params = paramsOf(task);
  return Object.hasOwn(params, name) ? params[name]! : null;
}

/** An older server sends none. */
function paramsOf({ params = {} }: { params?: Record<string, string> }): Record<string, string> {
  return params;
}

/** Return a label for each task: its name where the names differ, its parameters that differ, and the end of its id
 * where that is not enough. */
export function runLabels(tasks: readonly Snapshot[]): string[] {
  const params = differingParams(tasks);
  const isNamed = new Set(tasks.map(nameOf)).size > 1 || params.length === 0;
  const labels = tasks.map((task) => {
    const values = params.flatMap((name) => {
      const value = paramOf(task, name);
      return value === null ? [] : [`${name}=${value}`];
    });
    return toSingleLine([...(isNamed ? [nameOf(task)] : []), ...values].join(" ")) || nameOf(task);
  });
  const count = (label: string) => labels.filter((one) => one === label).length;
  return labels.map((label, at) => (count(label) > 1 ? `${label} ${tasks[at]!.id.slice(-6)}` : label));
}

/** Return the heading of a comparison. */
export function headingOf(tasks: readonly Snapshot[]): string {
  const names = new Set(tasks.map(nameOf));
  const count = `${tasks.length} ${tasks.length === 1 ? "run" : "runs"}`;
  return names.size === 1 ? `${count} of ${[...names][0]}` : count;
}
