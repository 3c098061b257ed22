/** The user's settings of the extension. */

import type { ISettingRegistry } from "@jupyterlab/settingregistry";
import { Signal, type ISignal } from "@lumino/signaling";
import type { NotificationPolicy } from "./rules.js";

export class Settings implements NotificationPolicy {
  notify: NotificationPolicy["notify"] = "long";
  longAfter = 30;
  statusBar = true;
  /** Whether what a task prints is also shown below the cell, where its view shows it. */
  printedBelow = false;
  readonly #changed = new Signal<this, void>(this);

  get changed(): ISignal<this, void> {
    return this.#changed;
  }

  /** Load the settings of `plugin` and follow their changes. Without a registry the defaults apply. */
  async follow(registry: ISettingRegistry | null, plugin: string): Promise<void> {
    if (!registry) return;
    const settings = await registry.load(plugin);
    settings.changed.connect(() => this.#read(settings));
    this.#read(settings);
  }

  #read({ composite }: ISettingRegistry.ISettings): void {
    this.notify = composite.notify as NotificationPolicy["notify"];
    this.longAfter = composite.longAfter as number;
    this.statusBar = composite.statusBar as boolean;
    this.printedBelow = composite.printedBelow as boolean;
    this.#changed.emit();
  }
}
