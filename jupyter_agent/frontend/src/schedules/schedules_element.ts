/** `<jupyter-agent-schedules>`: the schedules of a server, with their last and next runs. */

import { html, nothing, type TemplateResult } from "lit";
import { formatMoment, formatWholeDuration, toSingleLine } from "../model/format.js";
import type { RunOptions, Schedule } from "../screens/run_options.js";
import { runMarks } from "./run_marks.js";
import { ResourceElement, rowButton } from "./resource_element.js";
import { targetText } from "./target_text.js";

type Command = "pause" | "resume" | "run";

const SAID: Record<Command, string> = { pause: "paused", resume: "resumed", run: "started" };

export class SchedulesElement extends ResourceElement<Schedule> {
  protected override readonly path = "schedules";

  protected override head(): TemplateResult | typeof nothing {
    if (!this.rights.has("execute")) return nothing;
    return html`<p class="jas-tools">
      <button class="jas-button" type="button" @click=${() => this.#showForm({ scheduled: true })}>New schedule</button>
    </p>`;
  }

  protected override empty(): TemplateResult {
    return html`<p class="jas-empty">No schedules. A schedule runs a notebook, a function or a command again and again, or once at a later time.</p>`;
  }

  protected override row(schedule: Schedule): TemplateResult {
    const { id, text, paused } = schedule;
    const refusal = this.pending.refusal(id);
    return html`<li class="jas-row" data-id=${id} ?data-paused=${paused}>
      <p class="jas-title"><strong class="jas-name">${nameOf(schedule)}</strong> <span class="jas-target">${targetText(schedule.target)}</span></p>
      <p class="jas-when">${toSingleLine(text)}</p>
      <p class="jas-next">${this.#next(schedule)}</p>
      ${runMarks(schedule, this.server, this.current, this.#open)}
      <p class="jas-buttons">${this.#buttons(schedule)}</p>
      ${refusal ? html`<p class="jas-error" role="alert">${refusal}</p>` : nothing}
    </li>`;
  }

  #next({ paused, next }: Schedule): string | TemplateResult {
    if (paused) return "Paused";
    if (next === null) return "Will not run again";
    const seconds = next - Date.now() / 1000;
    return seconds <= 0
      ? "Next run: now"
      : html`Next run in ${formatWholeDuration(seconds)}, <span class="jas-moment">${formatMoment(next)}</span>`;
  }

  #buttons(schedule: Schedule): TemplateResult | typeof nothing {
    const { id, paused } = schedule;
    const [name, busy] = [nameOf(schedule), this.pending.busy(id)];
    if (!this.rights.has("write")) return nothing;
    const execute = this.rights.has("execute");
    const toggle = paused ? "resume" : "pause";
    return html`
      ${execute ? rowButton("run", "Run now", `Run ${name} now`, busy, () => void this.#command(schedule, "run")) : nothing}
      ${rowButton("toggle", paused ? "Resume" : "Pause", `${paused ? "Resume" : "Pause"} ${name}`, busy, () => void this.#command(schedule, toggle))}
      ${execute ? rowButton("edit", "Edit", `Edit ${name}`, busy, () => this.#showForm({ schedule })) : nothing}
      ${rowButton("delete", "Delete", `Delete ${name}`, busy, () => void this.removeItem(schedule, name))}`;
  }

  async #command(schedule: Schedule, command: Command): Promise<void> {
    const path = `schedules/${encodeURIComponent(schedule.id)}/commands`;
    const init = { method: "POST", body: JSON.stringify({ command }) };
    await this.send(schedule.id, command, path, init, `${nameOf(schedule)} ${SAID[command]}`);
  }

  readonly #open = (task: string): void => {
    this.dispatchEvent(new CustomEvent("ja-open", { bubbles: true, detail: task }));
  };

  #showForm(options: RunOptions): void {
    this.dispatchEvent(new CustomEvent<RunOptions>("ja-run", { bubbles: true, detail: options }));
  }
}

function nameOf({ name }: Schedule): string {
  return toSingleLine(name) || "schedule";
}
