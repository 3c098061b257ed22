import type { TaskEvent } from "../../src/net/types.js";

/** An event of task `t` as the wire has it. */
export const event = (offset: number, type: string, data: object, more: object = {}): TaskEvent =>
  ({
    offset,
    task: "t",
    attempt: 1,
    producer: "p",
    n: offset,
    time: 1000 + offset,
    type,
    data,
    ...more,
  }) as TaskEvent;
