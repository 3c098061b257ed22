/** What travels: snapshots, events and messages of `v1.events.jupyter-agent`, as the server encodes them. */

export interface TaskError {
  type: string;
  message: string;
  traceback?: string;
}

export interface Prompt {
  prompt_id: string;
  text: string;
  choices: string[] | null;
}

/** A message of the conversation, its parts joined. */
export interface Said {
  message_id: string;
  role: string;
  text: string;
}

export interface Progress {
  done: number | null;
  total: number | null;
  message: string | null;
}

export interface Point {
  value: number | null;
  step: number | null;
}

export type State = "queued" | "running" | "completed" | "failed" | "cancelled" | "interrupted";

/** A task folded. Times are Unix seconds; `null` is what is not known or not there. */
export interface Snapshot {
  id: string;
  name: string;
  key: string | null;
  tags: string[];
  state: State;
  attempt: number;
  owner: string | null;
  kernel: string | null;
  notebook: string | null;
  cell: string | null;
  /** What tells one execution of its cell from another. */
  run: string | null;
  /** How that execution shows the task; null: not at all. */
  view: "full" | "slim" | null;
  producer: string | null;
  created: number | null;
  queued: number | null;
  started: number | null;
  ended: number | null;
  updated: number | null;
  progress: Progress | null;
  metrics: Record<string, Point>;
  /** Why it is in its state: what a retry waits for, what interrupted it. */
  reason: string | null;
  error: TaskError | null;
  result: { repr: string; stored: boolean } | null;
  prompt: Prompt | null;
  /** The newest; a text that had to be cut begins with "…". */
  messages: Said[];
  cancel_requested: boolean;
  stalled_since: number | null;
  logs: number;
  events: number;
  cursor: string | null;
}

/** One event; what `data` holds depends on `type`. */
export interface TaskEvent {
  offset: number;
  task: string;
  attempt: number;
  producer: string;
  n: number;
  time: number;
  type: string;
  data: any;
  flag?: string;
}

/** What a subscription is about. `tail`: how many last log, message and display events come first. */
export interface Interest {
  tasks: string[] | "*";
  tail?: number;
  types?: string[];
}

export interface Subscription extends Interest {
  id: number;
  cursor: string | null;
  answered: boolean;
}

export interface Reply {
  id: number;
  ok: boolean;
  code?: string;
  message?: string;
}

/** What the protocol wants done, in order. */
export type Action =
  | { kind: "send"; frame: string }
  | { kind: "welcome"; now: number; heartbeat: number; user?: string }
  | { kind: "answered"; id: number }
  | { kind: "restart"; id: number; tasks: Snapshot[]; more: boolean; cursor: string }
  | { kind: "apply"; id: number; events: TaskEvent[] }
  | { kind: "reply"; reply: Reply }
  | { kind: "error"; id: number | null; code: string; message: string; temporary: boolean }
  | { kind: "bye"; reconnect: boolean; delay: number };

export type Status = "live" | "connecting" | "offline";
