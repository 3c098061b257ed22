/** Past events of a task, fetched by HTTP. */

import { errorMessageOf, type Server } from "../net/server.js";
import type { TaskEvent } from "../net/types.js";

/** Events in a page: of the newest ones, and of all. */
const PAGE_SIZE = 1000;
const LARGE_PAGE_SIZE = 10_000;

export interface EventPage {
  events: TaskEvent[];
  cursor: string;
  more: boolean;
  /** How many events of the log a search has looked at. */
  looked?: number;
}

/** Return the newest events of these types up to a cursor, oldest first; a cursor lies just behind an event.
 *
 * The server scans a limited number of events for each request: ask on until it has found some, or there are none. */
export async function eventsBefore(
  server: Server,
  task: string,
  types: string[],
  cursor: string,
  limit = PAGE_SIZE,
): Promise<TaskEvent[]> {
  for (let more = true; more;) {
    const got: EventPage = await fetchEvents(server, task, {
      types: types.join(","),
      before: cursor,
      limit: String(limit),
    });
    if (got.events.length > 0) return got.events;
    [cursor, more] = [got.cursor, got.more];
  }
  return [];
}

/** Yield all events of these types, oldest first, page by page. */
export async function* allEvents(server: Server, task: string, types: string[]): AsyncGenerator<TaskEvent[]> {
  let after: string | null = null;
  for (let more = true; more;) {
    const got: EventPage = await fetchEvents(server, task, {
      types: types.join(","),
      limit: String(LARGE_PAGE_SIZE),
      ...(after === null ? {} : { after }),
    });
    yield got.events;
    [after, more] = [got.cursor, got.more];
  }
}

/** Fetch a page of a task's events. Rejects with the server's message. */
export async function fetchEvents(
  server: Server,
  task: string,
  query: Record<string, string>,
): Promise<EventPage> {
  const response = await server.fetch(
    `tasks/${encodeURIComponent(task)}/events?${new URLSearchParams(query)}`,
  );
  if (!response.ok) throw new Error(await errorMessageOf(response));
  return response.json() as Promise<EventPage>;
}
