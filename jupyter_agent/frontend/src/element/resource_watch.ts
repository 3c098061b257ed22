/** The line about what a running task uses: loaded and asked for only while the task is in sight. */

import type { Server } from "../net/server.js";
import type { Snapshot, Status } from "../net/types.js";
import { loadResources } from "./lazy_modules.js";

/** What the watch needs of the task's element. */
export interface Watched extends HTMLElement {
  readonly server: Server | null;
  readonly task: Snapshot;
  readonly status: Status;
}

export class ResourceWatch {
  #place: HTMLElement | null = null;
  #attempt = "";
  #stop: (() => void) | null = null;

  /** Show the line while the task runs and its element is seen; to be called whenever that may have changed. */
  update(element: Watched, visible: boolean): void {
    const { task, server, status } = element;
    const isSeen = visible && element.isConnected && status === "live" && task.state === "running";
    const place = isSeen && server ? element.querySelector<HTMLElement>(".ja-resources") : null;
    const attempt = `${task.id} ${task.attempt}`;
    if (place === this.#place && attempt === this.#attempt) return;
    this.#stop?.();
    [this.#place, this.#attempt, this.#stop] = [place, attempt, null];
    if (place) this.#start(element, place, server!);
  }

  #start(element: Watched, place: HTMLElement, server: Server): void {
    const attempt = this.#attempt;
    const box = element.querySelector<HTMLElement>(".ja-system")!;
    const subject = { id: element.task.id, attempt: element.task.attempt, box };
    const isWanted = () => this.#place === place && this.#attempt === attempt && !this.#stop;
    loadResources(server).then(
      ({ watchResources }) => {
        if (isWanted()) this.#stop = watchResources(place, server, subject);
      },
      () => undefined, // an older server, or one that is away, does not deliver it: then there is no line
    );
  }
}
