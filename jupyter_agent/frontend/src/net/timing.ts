/** How long a connection waits, and how often it tries. */

/** Seconds. */
export const CONNECT_TIMEOUT = 20;
export const PROBE_TIMEOUT = 5;
/** Seconds that a connection without subscriptions stays open. */
export const IDLE_TIMEOUT = 5;
/** Seconds before a subscription is tried again after a temporary error. */
export const RETRY_DELAY = 1;
/** Heartbeat intervals without a frame after which the connection counts as lost. */
export const MAX_SILENT_HEARTBEATS = 3;
/** Failed attempts after which the status is "offline". */
export const OFFLINE_AFTER_ATTEMPTS = 4;
