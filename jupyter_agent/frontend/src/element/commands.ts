/** Commands of a view to its task: through the server or, without it, through the kernel behind a widget. */

import type { Connection } from "../net/connection.js";
import type { Snapshot } from "../net/types.js";

/** The kernel behind a widget. */
export interface Kernel {
  snapshot(): Snapshot | null;
  send(message: object): void;
}

const UNREACHABLE = "Not connected: neither the server nor the kernel can be reached.";

/** Send a command. Resolves with why it was refused; empty: it was accepted. */
export async function requestCommand(
  to: { kernel: Kernel | null; connection: Connection | null },
  { id, attempt }: Snapshot,
  command: string,
  args: object,
): Promise<string> {
  const { kernel, connection } = to;
  if (kernel && !connection?.live) {
    kernel.send({ command, args });
    return "";
  }
  if (!connection) return UNREACHABLE;
  const reply = await connection.command(id, attempt, command, args);
  return reply.ok ? "" : (reply.message ?? "The server refused.");
}
