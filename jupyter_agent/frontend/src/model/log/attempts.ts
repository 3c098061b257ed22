/** The attempts of a task: when each began and how it ended. */

import type { EventOf, TaskEvent } from "../../net/types.js";
import { formatDuration, toSingleLine } from "../format.js";

export interface Attempt {
  /** Unix seconds; null: not yet. */
  started: number | null;
  ended: number | null;
  end: EventOf<"state">["data"] | null;
}

export class Attempts {
  /** Incremented by every change. */
  version = 0;
  readonly #known = new Map<number, Attempt>();
  #newest = 0;

  /** Add an event; one that is not newer than the last is known already. */
  add(event: TaskEvent): void {
    if (event.type !== "state" || event.flag || event.offset <= this.#newest) return;
    this.#newest = event.offset;
    this.version += 1;
    const { data, time } = event;
    const attempt = this.#known.get(event.attempt) ?? { started: null, ended: null, end: null };
    this.#known.set(event.attempt, attempt);
    if (data.state === "running") attempt.started ??= time;
    else if (data.state !== "queued") [attempt.ended, attempt.end] = [time, data];
  }

  clear(): void {
    this.#known.clear();
    this.#newest = 0;
    this.version += 1;
  }

  get(attempt: number): Attempt | undefined {
    return this.#known.get(attempt);
  }

  /** Return how an attempt ended, such as "attempt 1 failed after 3m 08s: ValueError: no such file"; empty when unknown. */
  endOf(number: number): string {
    const { started, ended, end } = this.#known.get(number) ?? {};
    if (!end) return "";
    const after = started != null && ended != null ? ` after ${formatDuration(ended - started)}` : "";
    const { error, reason } = end;
    const why = error ? [error.type, error.message].filter(Boolean).join(": ") : reason;
    return toSingleLine(`attempt ${number} ${end.state}${after}${why ? `: ${why}` : ""}`);
  }
}
