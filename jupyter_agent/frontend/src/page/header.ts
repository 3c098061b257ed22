/** The page's header: its views, the connection, and the button that runs something. */

import { html, nothing, type TemplateResult } from "lit";
import type { Rights } from "../net/rights.js";
import type { Server } from "../net/server.js";
import type { Status } from "../net/types.js";
import { TASKS, VIEWS, viewNamed } from "../screens/views.js";
import { addressOf } from "./location.js";

const STATUS_LABELS: Record<Status, string> = { live: "Live", connecting: "Connecting…", offline: "Offline" };

export interface HeaderProps {
  readonly server: Server;
  readonly status: Status;
  /** The view that is shown. */
  readonly view: string;
  /** What the user may do; null while it is not known. */
  readonly rights: Rights | null;
  show(view: string): void;
  run(): void;
}

export function header(props: HeaderProps): TemplateResult {
  const { status, server } = props;
  const inNavigation = VIEWS.filter(({ label }) => label !== null);
  return html`<header class="jap-head">
    <h1 class="jap-title">${labelOf(props.view)}</h1>
    <nav class="jap-views" aria-label="Views">
      ${viewLink(props, TASKS)} ${inNavigation.map(({ name }) => viewLink(props, name))}
    </nav>
    <span class="jap-connection" role="status" data-status=${status}>${STATUS_LABELS[status]}</span>
    ${props.rights?.has("write") === false ? html`<span class="jap-read-only" title="You may look at tasks, and not command them">Read only</span>` : nothing}
    <a class="jap-jupyter" href=${server.base}>Open Jupyter</a>
    ${props.rights?.has("execute") ? runButton(props) : nothing}
  </header>`;
}

/** Return the words for a view. */
export function labelOf(name: string): string {
  const view = viewNamed(name);
  return view ? (view.label ?? view.name[0]!.toUpperCase() + view.name.slice(1)) : "Tasks";
}

function viewLink({ view, show }: HeaderProps, name: string): TemplateResult {
  const href = addressOf({ view: name, argument: "", task: null });
  return html`<a href=${href} aria-current=${view === name ? "page" : nothing} @click=${inPage(() => show(name))}>${labelOf(name)}</a>`;
}

function runButton({ run }: HeaderProps): TemplateResult {
  return html`<button class="jap-run" type="button" title="Run or schedule something" @click=${run}><span aria-hidden="true">+</span> Run</button>`;
}

/** Return the click handler of a link that leads to another place of this page, unless it is opened in a new tab. */
export function inPage(go: () => void): (event: MouseEvent) => void {
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go();
  };
}
