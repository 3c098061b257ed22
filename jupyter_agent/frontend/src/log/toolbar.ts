/** The bar above a log: search, levels, times, wrapping, and what takes the log elsewhere. */

import { html, nothing, type TemplateResult } from "lit";
import { formatNumber } from "../model/format.js";
import { LEVELS, type Level } from "../model/log/levels.js";
import { TIMES, type Preferences, type Time } from "./preferences.js";

const TIME_LABELS: Record<Time, string> = { off: "No time", start: "Since start", clock: "Clock" };
const LEVEL_LABELS: Record<Level, string> = {
  debug: "All records",
  info: "Info and up",
  warning: "Warnings and up",
  error: "Errors and up",
  critical: "Critical",
};

export interface ToolbarProps {
  query: string;
  /** What the search has found; empty without one. */
  found: string;
  /** The outcome of a button: a confirmation, progress or an error. */
  feedback: string;
  /** Number of earlier events; null: some. */
  earlier: number | null;
  following: boolean;
  preferences: Preferences;
  level: Level | null;
  /** Records by standard level; null: unknown. */
  levels: Record<string, number> | null;
  /** Whether the tools are shown where there is little room. */
  isOpen: boolean;
  search(query: string): void;
  step(by: number): void;
  setLevel(level: Level | null): void;
  setPreferences(preferences: Preferences): void;
  loadEarlier(): void;
  toggleFollowing(): void;
  toggleTools(): void;
  copy(): void;
  download(): void;
}

export function toolbar(props: ToolbarProps): TemplateResult {
  const { preferences, earlier } = props;
  return html`${searchBox(props)}
    <span class="ja-said" role="status">${props.feedback}</span>
    ${
      earlier === 0
        ? nothing
        : html`<span class="ja-earlier">${earlier === null ? "" : `${formatNumber(earlier)} earlier`}</span>
      ${button("Show earlier", props.loadEarlier)}`
    }
    <button class="ja-quiet-button ja-tools-button" type="button" aria-expanded=${props.isOpen} aria-label="More tools" @click=${props.toggleTools}>⋯</button>
    <span class="ja-tools" ?data-open=${props.isOpen}>
      ${levelChoice(props)}
      <select class="ja-quiet-button" aria-label="Time of each line" .value=${preferences.time}
        @change=${(event: Event) => props.setPreferences({ ...preferences, time: valueOf(event) as Time })}>
        ${TIMES.map((time) => html`<option value=${time} ?selected=${time === preferences.time}>${TIME_LABELS[time]}</option>`)}
      </select>
      <button class="ja-quiet-button" type="button" aria-pressed=${preferences.wrap} title="Wrap long lines"
        @click=${() => props.setPreferences({ ...preferences, wrap: !preferences.wrap })}>Wrap</button>
      <button class="ja-quiet-button ja-taller" type="button" aria-pressed="false" title="Show the log higher" @click=${toggleHeight}>Taller</button>
      ${button("Copy", props.copy, "Copy the lines that are here")}
      ${button("Download", props.download, "Save the whole log as a file, with times")}
    </span>
    <button class="ja-quiet-button" type="button" aria-pressed=${props.following} title="Keep the newest line in sight"
      @click=${props.toggleFollowing}>Follow</button>`;
}

function searchBox({ query, found, search, step }: ToolbarProps): TemplateResult {
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    step(event.shiftKey ? -1 : 1);
  };
  return html`<input class="ja-search" type="search" placeholder="Search" aria-label="Search the log" autocomplete="off"
      .value=${query} @input=${(event: Event) => search(valueOf(event))} @keydown=${onKey} />
    ${
      query
        ? html`<span class="ja-found" role="status">${found}</span>
      <button class="ja-quiet-button" type="button" aria-label="Previous match" title="Previous match (Shift+Enter, N)" @click=${() => step(-1)}>↑</button>
      <button class="ja-quiet-button" type="button" aria-label="Next match" title="Next match (Enter, n)" @click=${() => step(1)}>↓</button>`
        : nothing
    }`;
}

/** The levels with the numbers of records that they show; nothing where no record was logged. */
function levelChoice({ level, levels, setLevel }: ToolbarProps): TemplateResult | typeof nothing {
  const names = Object.keys(LEVELS) as Level[];
  const countFrom = (name: Level) =>
    names.slice(names.indexOf(name)).reduce((sum, one) => sum + (levels?.[one] ?? 0), 0);
  if (level === null && countFrom("debug") === 0) return nothing;
  return html`<select class="ja-quiet-button" aria-label="Level" @change=${(event: Event) => setLevel((valueOf(event) || null) as Level | null)}>
    <option value="" .selected=${level === null}>All lines</option>
    ${names.map((name) => html`<option value=${name} .selected=${name === level}>${LEVEL_LABELS[name]} (${formatNumber(countFrom(name))})</option>`)}
  </select>`;
}

function toggleHeight({ currentTarget }: Event): void {
  const button = currentTarget as HTMLElement;
  const isTall = button.closest("jupyter-agent-log")!.toggleAttribute("data-tall");
  button.setAttribute("aria-pressed", String(isTall));
}

function button(label: string, onClick: () => void, title?: string): TemplateResult {
  return html`<button class="ja-quiet-button" type="button" title=${title ?? nothing} @click=${onClick}>${label}</button>`;
}

function valueOf(event: Event): string {
  return (event.target as HTMLInputElement | HTMLSelectElement).value;
}
