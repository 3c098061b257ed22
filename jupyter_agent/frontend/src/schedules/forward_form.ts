/** The form that adds a forward. */

import { html, nothing, type TemplateResult } from "lit";

/** The body of `POST forwards`. */
export interface ForwardBody {
  readonly url: string;
  readonly task?: string;
  readonly types?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly from_start: boolean;
}

/** Render the form. `refused`: why the server did not accept it; empty at first. */
export function forwardForm(
  refused: string,
  sending: boolean,
  add: (body: ForwardBody) => Promise<void>,
  close: () => void,
): TemplateResult {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void add(bodyOf(new FormData(event.currentTarget as HTMLFormElement)));
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  };
  return html`<form class="jas-form" aria-label="New forward" @submit=${submit} @keydown=${onKey}>
    <label>Address <input name="url" type="text" inputmode="url" autocomplete="off" spellcheck="false" placeholder="wss://example.org/events" required></label>
    <label>Task <input name="task" type="text" autocomplete="off" spellcheck="false" placeholder="all; or the id of one"></label>
    <label>Events <input name="types" type="text" autocomplete="off" spellcheck="false" placeholder="all; or state, metric…"></label>
    <label>Authorization header <input name="authorization" type="password" autocomplete="off" placeholder="none"></label>
    <label class="jas-check"><input name="from_start" type="checkbox"> Also what has happened so far</label>
    ${refused ? html`<p class="jas-error" role="alert">${refused}</p>` : nothing}
    <p class="jas-buttons"><button class="jas-button jas-primary" type="submit" ?disabled=${sending}>Add</button>
      <button class="jas-button" type="button" @click=${close}>Cancel</button></p>
  </form>`;
}

/** Return what the form says. */
export function bodyOf(form: FormData): ForwardBody {
  const text = (name: string) => {
    const value = form.get(name);
    return typeof value === "string" ? value.trim() : "";
  };
  const types = text("types")
    .split(/[\s,]+/)
    .filter(Boolean);
  const authorization = text("authorization");
  return {
    url: text("url"),
    from_start: form.has("from_start"),
    ...(text("task") && { task: text("task") }),
    ...(types.length > 0 && { types }),
    ...(authorization && { headers: { Authorization: authorization } }),
  };
}
