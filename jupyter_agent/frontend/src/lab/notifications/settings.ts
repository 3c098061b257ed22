/** What a person has set. */

import type { ISettingRegistry } from "@jupyterlab/settingregistry";
import { Signal, type ISignal } from "@lumino/signaling";
import type { Wishes } from "./rules.js";

export class Settings implements Wishes {
  notify: Wishes["notify"] = "long";
  longAfter = 30;
  statusBar = true;
  readonly #changed = new Signal<this, void>(this);

  get changed(): ISignal<this, void> {
    return this.#changed;
  }

  /** Follow what the registry has for `plugin`. Without a registry the defaults hold. */
  async follow(registry: ISettingRegistry | null, plugin: string): Promise<void> {
    if (!registry) return;
    const settings = await registry.load(plugin);
    settings.changed.connect(() => this.#read(settings));
    this.#read(settings);
  }

  #read({ composite }: ISettingRegistry.ISettings): void {
    this.notify = composite.notify as Wishes["notify"];
    this.longAfter = composite.longAfter as number;
    this.statusBar = composite.statusBar as boolean;
    this.#changed.emit();
  }
}
