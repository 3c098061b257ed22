/** Events from before a view was there, by HTTP. */

import { refusalOf, type Server } from "../net/server.js";
import type { TaskEvent } from "../net/types.js";

const PAGE = 1000;
const LARGE_PAGE = 10_000;

export interface Page {
  events: TaskEvent[];
  cursor: string;
  more: boolean;
}

/** The newest events of these types up to a cursor, oldest first: a cursor is a place behind an event. The server
 * looks at so many events at a time; it is asked on until it has found some, or there are none. */
export async function before(
  server: Server,
  task: string,
  types: string[],
  cursor: string,
  limit = PAGE,
): Promise<TaskEvent[]> {
  for (let more = true; more;) {
    const got: Page = await page(server, task, {
      types: types.join(","),
      before: cursor,
      limit: String(limit),
    });
    if (got.events.length > 0) return got.events;
    [cursor, more] = [got.cursor, got.more];
  }
  return [];
}

/** All events of these types, oldest first, page by page. Stop by leaving the loop. */
export async function* all(server: Server, task: string, types: string[]): AsyncGenerator<TaskEvent[]> {
  let after: string | null = null;
  for (let more = true; more;) {
    const got: Page = await page(server, task, {
      types: types.join(","),
      limit: String(LARGE_PAGE),
      ...(after === null ? {} : { after }),
    });
    yield got.events;
    [after, more] = [got.cursor, got.more];
  }
}

async function page(server: Server, task: string, query: Record<string, string>): Promise<Page> {
  const response = await server.fetch(
    `tasks/${encodeURIComponent(task)}/events?${new URLSearchParams(query)}`,
  );
  if (!response.ok) throw new Error(await refusalOf(response));
  return response.json();
}
