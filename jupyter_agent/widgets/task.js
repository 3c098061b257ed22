// @ts-check
/**
 * The live view of a task: `mount` puts one into an element, `render` is the anywidget entry.
 *
 * @import {Snapshot} from "./protocol.js"
 */

import { serverAddress, sharedConnection } from "./connection.js";
import { Feed, Speed, Tail } from "./feed.js";
import { ENDED, emptyTask } from "./fold.js";
import { TaskView } from "./view.js";

const UNKNOWN = "This server does not know the task; this is what the notebook knew of it.";

/** Puts a live view of a task into an element.
 * @param {{el: HTMLElement, taskId: string, url: string | null, kernelSnapshot(): Snapshot | null,
 *   kernelSend: ((message: object) => void) | null}} options
 * @returns {{refresh(): void, close(): void}} */
export function mount({ el, taskId, url, kernelSnapshot, kernelSend }) {
  const root = document.createElement("div");
  const feed = url ? Feed.of(sharedConnection(url), taskId) : null;
  const silent = { tail: new Tail(), speed: new Speed() };
  const view = new TaskView(root, (command, args) => ask(feed, kernelSend, task(), command, args));

  function task() {
    return newest(feed, kernelSnapshot()) ?? emptyTask(taskId);
  }

  function draw() {
    const now = feed ? feed.connection.now() : Date.now() / 1000;
    const [shown, speed] = [task(), (feed ?? silent).speed];
    if (!feed && shown.progress) speed.add(shown.updated ?? now, shown.progress.done);
    view.draw({
      task: shown, tail: (feed ?? silent).tail, rate: speed.rate(shown, now), now,
      status: feed?.status ?? "offline", hint: hintOf(feed, kernelSnapshot()),
    });
  }

  function tick() {
    feed?.tick();
    if (!ENDED.has(task().state)) refresh();
  }

  let told = false;
  function tell() {
    const live = feed?.status === "live";
    if (live !== told) kernelSend?.({ live });
    told = live;
  }

  let planned = 0;
  function refresh() {
    planned ||= requestAnimationFrame(() => {
      planned = 0;
      tell();
      draw();
    });
  }

  const unwatch = feed?.watch(refresh);
  const clock = setInterval(tick, 1000);
  draw();
  el.append(root);
  return {
    refresh,
    close() {
      clearInterval(clock);
      cancelAnimationFrame(planned);
      unwatch?.();
      root.remove();
    },
  };
}

/** The server's word while it speaks, else whichever is newer. @param {Feed | null} feed
 * @param {Snapshot | null} kernel @returns {Snapshot | null} */
function newest(feed, kernel) {
  if (!feed?.task || !kernel) return feed?.task ?? kernel;
  return feed.status !== "live" && (kernel.updated ?? 0) > (feed.task.updated ?? 0) ? kernel : feed.task;
}

/** @param {Feed | null} feed @param {Snapshot | null} kernel */
function hintOf(feed, kernel) {
  if (!feed) return null;
  if (feed.connection.stopped) return `The server closed the connection: ${feed.connection.stopped}. Reload the page to try again.`;
  if (feed.refusal) return feed.refusal;
  return feed.unknown && !feed.task && kernel && ENDED.has(kernel.state) ? UNKNOWN : null;
}

/** @param {Feed | null} feed @param {((message: object) => void) | null} kernelSend
 * @param {Snapshot} task @param {string} command @param {object} args @returns {Promise<string | null>} */
async function ask(feed, kernelSend, task, command, args) {
  if (feed?.connection.live) {
    const reply = await feed.connection.command(task.id, task.attempt, command, args);
    return reply.ok ? null : (reply.message ?? "The server refused.");
  }
  if (!kernelSend) return "Not connected: neither the server nor the kernel can be reached.";
  kernelSend({ command, args });
  return null;
}

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const mounted = mount({
    el,
    taskId: model.get("task_id"),
    url: serverAddress(document),
    kernelSnapshot: () => model.get("snapshot") ?? null,
    kernelSend: (message) => model.send(message),
  });
  model.on("change:snapshot", mounted.refresh);
  return () => {
    model.off("change:snapshot", mounted.refresh);
    mounted.close();
  };
}

export default { render };
