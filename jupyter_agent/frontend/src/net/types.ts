/** The wire's data: snapshots, events and messages, as the server encodes them. */

export interface TaskError {
  type: string;
  message: string;
  traceback?: string;
}

export interface TaskResult {
  repr: string;
  stored: boolean;
}

export interface PromptSnapshot {
  prompt_id: string;
  text: string;
  choices: string[] | null;
}

/** A message of the conversation, its parts joined. */
export interface MessageSnapshot {
  message_id: string;
  role: string;
  text: string;
}

export interface ProgressSnapshot {
  done: number | null;
  total: number | null;
  message: string | null;
}

export interface MetricPoint {
  value: number | null;
  step: number | null;
  /** The lowest and the highest of the attempt; null or absent: unknown. */
  min?: number | null;
  max?: number | null;
}

export type State = "queued" | "running" | "completed" | "failed" | "cancelled" | "interrupted";

/** The state of a task after its events. Times are Unix seconds; `null`: unknown or absent. */
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
  /** Distinguishes one execution of the cell from another. */
  run: string | null;
  /** How that execution shows the task; null: not at all. */
  view: "full" | "slim" | null;
  /** Short texts by name; secrets are masked where the task was queued. */
  params: Record<string, string>;
  kind: string | null;
  on: string | null;
  schedule: string | null;
  /** The process that runs the attempt, or ran it. */
  host: string | null;
  pid: number | null;
  producer: string | null;
  created: number | null;
  queued: number | null;
  started: number | null;
  ended: number | null;
  updated: number | null;
  progress: ProgressSnapshot | null;
  metrics: Record<string, MetricPoint>;
  /** Why it is in its state: what a retry waits for, what interrupted it. */
  reason: string | null;
  error: TaskError | null;
  result: TaskResult | null;
  prompt: PromptSnapshot | null;
  /** The newest messages; a text that was cut begins with "…". */
  messages: MessageSnapshot[];
  cancel_requested: boolean;
  /** Seconds to clean up after a cancel. */
  grace: number | null;
  /** How its stop goes, until the end; null: nothing stops it. */
  stopping: StoppingSnapshot | null;
  stalled_since: number | null;
  /** Whether a retry of the ended task would find something that can run it; null: unknown. */
  retriable: boolean | null;
  /** What the queued task waits for; null: it begins at any moment, or that is not known. */
  waiting: WaitingSnapshot | null;
  logs: number;
  /** Null: nothing was logged, or an older version has stored it. */
  log: LogSnapshot | null;
  events: number;
  cursor: string | null;
}

/** How many lines a log has, and how many records of which standard level. */
export interface LogSnapshot {
  lines: number;
  /** The number of the line in which the newest text begins. */
  newest: number;
  levels: Record<string, number>;
  /** What goes on with the last line, which is not ended. */
  open: string | null;
}

/** `why`: workers, retry, attempt or executor; `text` says it; `until`: Unix seconds, null: unknown. */
export interface WaitingSnapshot {
  why: string;
  text: string;
  until: number | null;
}

/** A task that was asked to stop and still runs; times are Unix seconds, null: unknown. */
export interface StoppingSnapshot {
  since: number;
  until: number | null;
  why: string;
  where: string | null;
  where_since: number | null;
  note: string | null;
  again: boolean;
  confirmed: boolean;
}

/** The data of an event, by the event's type. */
export interface EventData {
  state: {
    state: State;
    about?: Record<string, unknown> | null;
    producer?: string | null;
    host?: string | null;
    pid?: number | null;
    reason?: string | null;
    error?: TaskError | null;
    result?: TaskResult | null;
  };
  progress: Partial<ProgressSnapshot>;
  metric: { name: string; value?: number | null; step?: number | null };
  log: {
    stream: string;
    text: string;
    level?: string;
    /** The name of a record's logger. */
    logger?: string;
    /** The notebook's cell that the text is from. */
    section?: string;
    /** Parts of the text: the index of the first character (not UTF-16), one past the last, and the style. */
    styles?: [number, number, string][];
  };
  lost: { first: number; last: number; reason: string; producer?: string | null };
  prompt: { prompt_id: string; text: string; choices?: string[] | null };
  message: { message_id: string; role: string; text: string; delta?: boolean };
  input: { prompt_id?: string | null; text: string; role?: string };
  command: {
    command: string;
    args?: { text?: unknown; prompt_id?: string | null; now?: unknown };
    by?: string | null;
  };
  stopping: {
    why: string;
    seconds?: number | null;
    where?: string | null;
    since?: number | null;
    note?: string | null;
    resumed?: boolean;
  };
  display: {
    data?: Record<string, unknown>;
    metadata?: Record<string, unknown> | null;
    display_id?: string | null;
  };
}

export interface EventOf<Type extends keyof EventData> {
  offset: number;
  task: string;
  attempt: number;
  producer: string;
  n: number;
  /** Unix seconds. */
  time: number;
  type: Type;
  data: EventData[Type];
  /** The number of the log's line in which the text of a log event begins, from 1. */
  line?: number;
  /** `bad_data`: the server could not make sense of `data`; do not read it. */
  flag?: string;
}

/** One event. A newer server may send other types, too. */
export type TaskEvent = { [Type in keyof EventData]: EventOf<Type> }[keyof EventData];

/** Selects the events of a subscription. `tail`: the number of last log, message and display events to begin with. */
export interface SubscriptionFilter {
  tasks: string[] | "*";
  tail?: number;
  types?: string[];
}

export interface Subscription extends SubscriptionFilter {
  id: number;
  cursor: string | null;
  answered: boolean;
}

/** Receives what a subscription delivers. `restart`: discard the previous state, these are the tasks now. */
export interface Listener {
  restart(tasks: Snapshot[], more: boolean, cursor: string): void;
  apply(events: TaskEvent[]): void;
  /** Called when the status may have changed. */
  changed(): void;
  refused(message: string): void;
  /** Return whether it follows a task that has not ended; without this it does not. */
  hasActiveTasks?(): boolean;
}

export interface Reply {
  id: number;
  ok: boolean;
  code?: string;
  message?: string;
}

export type Right = "read" | "write" | "execute";

export interface Welcome {
  type: "welcome";
  /** The server's clock, Unix seconds. */
  now: number;
  /** Seconds between two heartbeats. */
  heartbeat: number;
  user?: string;
  /** Sentences of the server's health. */
  trouble?: string[];
  /** What the user may do; absent in the welcome of an older server. */
  rights?: Right[];
}

export interface Subscribed {
  type: "subscribed";
  id: number;
  recovered: boolean;
  cursor: string;
  tasks?: Snapshot[];
  more?: boolean;
}

export interface Events {
  type: "events";
  id: number;
  prev: string;
  cursor: string;
  events: TaskEvent[];
}

export interface Heartbeat {
  type: "heartbeat";
  /** By subscription id. */
  cursors: Record<string, string>;
  /** Sentences of the server's health, when they have changed. */
  trouble?: string[];
}

export interface ErrorMessage {
  type: "error";
  id?: number | null;
  code: string;
  message: string;
  temporary?: boolean;
}

export interface Bye {
  type: "bye";
  reconnect: boolean;
  retry_ms: number;
}

/** What a server sends. A newer one may send other types, too. */
export type ServerMessage =
  Welcome | Subscribed | Events | Heartbeat | (Reply & { type: "reply" }) | ErrorMessage | Bye;

/** A step that the protocol asks the connection to take. */
export type Action =
  | { kind: "send"; frame: string }
  | { kind: "welcome"; now: number; heartbeat: number; user?: string; trouble: string[]; rights?: Right[] }
  | { kind: "trouble"; sentences: string[] }
  | { kind: "answered"; id: number }
  | { kind: "restart"; id: number; tasks: Snapshot[]; more: boolean; cursor: string }
  | { kind: "apply"; id: number; events: TaskEvent[] }
  | { kind: "reply"; reply: Reply }
  | { kind: "error"; id: number | null; code: string; message: string; temporary: boolean }
  | { kind: "bye"; reconnect: boolean; delay: number };

export type Status = "live" | "connecting" | "offline";
