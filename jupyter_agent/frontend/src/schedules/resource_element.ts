/** The base of the two views: a list of the server's resources, asked for again and again while it can be seen. */

import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { LightElement, SCRIPT_ONLY, STATE } from "../dom/light_element.js";
import { adoptStyles } from "../dom/styles.js";
import { PendingActions } from "../list/pending_actions.js";
import type { DelayedActions, Named } from "../list/undo/delayed_actions.js";
import { undoNotice } from "../list/undo/undo_notice.js";
import { fetchRights, type Rights } from "../net/rights.js";
import { errorMessageOf, fetchJson, type Server } from "../net/server.js";
import { removalsOf, removeByRequest } from "./removals.js";
import css from "./schedules.css";

/** Milliseconds between two requests for the list. */
const REFRESH_INTERVAL = 5000;

export interface Resource {
  readonly id: string;
}

export abstract class ResourceElement<T extends Resource> extends LightElement {
  static override properties = {
    server: SCRIPT_ONLY,
    argument: SCRIPT_ONLY,
    current: SCRIPT_ONLY,
    items: STATE,
    trouble: STATE,
    rights: STATE,
    announcement: STATE,
  };
  declare server: Server;
  declare argument: string;
  /** The task that is open beside the list; null: none. */
  declare current: string | null;
  /** What the server has; null until it has answered. */
  declare items: readonly T[] | null;
  /** Why the list may be old; empty while it is not. */
  declare trouble: string;
  declare rights: Rights;
  /** The text for screen readers: what an action has done. */
  declare announcement: string;
  readonly pending = new PendingActions(() => this.requestUpdate());
  #removals: DelayedActions<Named> | null = null;
  #endRemovals = () => {};
  #clock = 0;
  #countdown = 0;
  /** Incremented by each request: an answer to an earlier one is discarded. */
  #request = 0;

  /** The path of the list below `jupyter-agent/`, which also names the list in its answer. */
  protected abstract readonly path: "schedules" | "forwards";

  constructor() {
    super();
    this.argument = this.trouble = this.announcement = "";
    this.current = this.items = null;
    this.rights = new Set();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    adoptStyles(this, css);
    this.#clock = window.setInterval(() => void (this.offsetParent && this.refresh()), REFRESH_INTERVAL);
    this.#countdown = window.setInterval(() => this.#removals?.state.waiting && this.requestUpdate(), 1000);
    document.addEventListener("visibilitychange", this.#onVisibility);
    if (!this.hasUpdated) return;
    this.#followRemovals();
    void this.refresh();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#clock);
    clearInterval(this.#countdown);
    this.#endRemovals();
    document.removeEventListener("visibilitychange", this.#onVisibility);
  }

  readonly #onVisibility = (): void => {
    if (!document.hidden) void this.refresh();
  };

  protected override willUpdate(changed: PropertyValues): void {
    if (!changed.has("server")) return;
    this.#followRemovals();
    void this.refresh();
    void fetchRights(this.server).then((rights) => (this.rights = rights));
  }

  /** Ask the server for the list. */
  async refresh(): Promise<void> {
    if (document.hidden || this.server.login.isExpired) return;
    const request = (this.#request += 1);
    const unreachable = "The server cannot be reached; what is shown may be old.";
    const answer = await fetchJson<Record<string, T[]>>(this.server, this.path, unreachable);
    if (request !== this.#request) return;
    this.trouble = typeof answer === "string" ? answer : "";
    if (typeof answer !== "string") this.items = answer[this.path]!;
  }

  /** Send a request about an item, and the list anew. `said` is announced when it was accepted. */
  protected async send(
    item: string,
    action: string,
    path: string,
    init: RequestInit,
    said: string,
  ): Promise<boolean> {
    await this.pending.run(item, action, async () => {
      const response = await this.server.fetch(path, init).catch(() => null);
      if (!response) return "The server cannot be reached.";
      return response.ok ? null : errorMessageOf(response);
    });
    const accepted = this.pending.refusal(item) === "";
    if (accepted) this.announcement = said;
    await this.refresh();
    return accepted;
  }

  #followRemovals(): void {
    this.#endRemovals();
    this.#removals = removalsOf(this.server, this.path);
    this.#endRemovals = this.#removals.subscribe(() => void this.#onRemovals());
  }

  /** Draw what was removed or is back. The focus, where it was in a notice that is gone, goes to a button. */
  async #onRemovals(): Promise<void> {
    const hadFocus = this.querySelector(".jas-undo")?.contains(document.activeElement) ?? false;
    this.requestUpdate();
    await this.updateComplete;
    if (hadFocus && !this.querySelector(".jas-undo")?.contains(document.activeElement))
      this.querySelector<HTMLElement>("button:not(:disabled)")?.focus();
  }

  /** Remove an item, unless the user undoes it within some seconds; the focus goes to the button that does. */
  protected async removeItem({ id }: T, name: string): Promise<void> {
    const [server, path] = [this.server, `${this.path}/${encodeURIComponent(id)}`];
    const run = async (_: Named, leaving: boolean) => {
      const refusal = await removeByRequest(server, path, leaving);
      void this.refresh();
      return refusal;
    };
    this.#removals!.start({ verb: "delete", tasks: [{ id, name }], run });
    await this.updateComplete;
    this.querySelector<HTMLElement>("[data-undo]")?.focus();
  }

  readonly #undo = async (): Promise<void> => {
    const [removed] = this.#removals!.state.waiting?.tasks ?? [];
    this.#removals!.undo();
    await this.updateComplete;
    if (removed) this.button(removed.id, "delete")?.focus();
  };

  protected rowOf(id: string): HTMLElement | null {
    return [...this.querySelectorAll<HTMLElement>(".jas-row")].find((row) => row.dataset.id === id) ?? null;
  }

  protected button(id: string, action: string): HTMLElement | null {
    return this.rowOf(id)?.querySelector<HTMLElement>(`[data-act="${action}"]`) ?? null;
  }

  protected override render(): TemplateResult {
    const { trouble } = this;
    const items = this.items?.filter(({ id }) => !this.#removals?.isGone(id));
    return html`${this.head()}
      ${this.#removals ? undoNotice(this.#removals, () => void this.#undo(), "jas") : nothing}
      ${trouble ? html`<p class="jas-trouble" role="status">${trouble}</p>` : nothing}
      ${items?.length === 0 ? this.empty() : nothing}
      ${items?.length ? this.#rows(items) : nothing}
      <div class="jas-said" role="status" aria-live="polite">${this.announcement}</div>`;
  }

  #rows(items: readonly T[]): TemplateResult {
    return html`<ul class="jas-rows" role="list" aria-label=${this.path === "schedules" ? "Schedules" : "Forwards"}>
      ${repeat(
        items,
        ({ id }) => id,
        (item) => this.row(item),
      )}
    </ul>`;
  }

  /** What stands above the rows. */
  protected abstract head(): TemplateResult | typeof nothing;
  protected abstract row(item: T): TemplateResult;
  protected abstract empty(): TemplateResult;
}

/** Return a button of a row; `label` names it for screen readers, with what it is about. While the row is busy it keeps
 * the focus, and does nothing. The second click of a double click does nothing either: another row may be there by now. */
export function rowButton(
  action: string,
  word: string,
  label: string,
  busy: string,
  press: () => void,
): TemplateResult {
  const onClick = ({ detail }: MouseEvent) => busy === "" && detail < 2 && press();
  return html`<button class="jas-button" type="button" data-act=${action} aria-label=${label} aria-disabled=${busy === "" ? nothing : "true"} @click=${onClick}>${word}</button>`;
}
