/** The fields that say when to run, and what the server makes of them. */

import { html, nothing, type TemplateResult } from "lit";
import { toSingleLine } from "../model/format.js";
import { type Draft, TIMES, type When } from "./draft.js";
import { field, radios, select } from "./fields.js";
import type { Preview } from "./requests.js";

type Change = (change: Partial<Draft>) => void;

const LABELS: Record<When, string> = { now: "Now", at: "At", every: "Every", cron: "Cron" };
const OVERLAPS: Record<string, string> = {
  skip: "skip the new one",
  queue: "wait for its end",
  allow: "run both",
};
const ZONES = "jar-zones";

/** `isSchedule`: a schedule is edited, which cannot become a task that runs now. */
export function triggerFields(
  draft: Draft,
  preview: Preview | string | null,
  isSchedule: boolean,
  change: Change,
): TemplateResult {
  const { when } = draft;
  const times = isSchedule ? TIMES.filter((time) => time !== "now") : TIMES;
  return html`${radios("when", "When", times, LABELS, when, (chosen) => change({ when: chosen }))}
    ${when === "now" ? nothing : html`<div class="jar-group">${whenField(draft, when, change)} ${zoneFields(draft, change)}</div>`}
    ${when === "now" ? nothing : previewText(preview)}`;
}

function whenField(draft: Draft, when: Exclude<When, "now">, change: Change): TemplateResult {
  const set = (value: string) => change({ [when]: value });
  const properties = { name: "time", value: draft[when], set, required: true };
  if (when === "at") return field({ ...properties, label: "Time", type: "datetime-local" });
  if (when === "every")
    return field({ ...properties, label: "Interval", placeholder: "30m", hint: "90s, 30m, 1h30m, 1d, 2w" });
  return field({
    ...properties,
    label: "Cron expression",
    placeholder: "0 9 * * MON-FRI",
    hint: "minute, hour, day, month, weekday; or @daily",
  });
}

function zoneFields({ timezone, overlap, when }: Draft, change: Change): TemplateResult {
  const zone = field({
    name: "timezone",
    label: "Time zone",
    value: timezone,
    list: ZONES,
    set: (value) => change({ timezone: value }),
  });
  const overlaps = select(
    "overlap",
    "If the previous run has not ended",
    Object.keys(OVERLAPS),
    OVERLAPS,
    overlap,
    (value) => change({ overlap: value }),
  );
  return html`${zone}<datalist id=${ZONES}>${zones().map((name) => html`<option value=${name}></option>`)}</datalist>
    ${when === "at" ? nothing : overlaps}`;
}

function zones(): readonly string[] {
  return Intl.supportedValuesOf("timeZone");
}

function previewText(preview: Preview | string | null): TemplateResult {
  if (typeof preview === "string") return html`<p class="jar-error" role="status">${preview}</p>`;
  if (!preview) return html`<p class="jar-preview" role="status"></p>`;
  const { text, timezone, next } = preview;
  return html`<div class="jar-preview" role="status"><p>Runs ${toSingleLine(text)}.${text.includes(timezone) ? "" : ` Times in ${timezone}.`}</p>
    <ol aria-label="Next runs">${next.map((run) => html`<li>${weekday(run.text)} ${run.text}</li>`)}</ol></div>`;
}

/** Return the weekday of "2031-05-17 09:00:00". */
function weekday(moment: string): string {
  const day = new Date(`${moment.slice(0, 10)}T00:00:00Z`);
  return new Intl.DateTimeFormat("en", { weekday: "short", timeZone: "UTC" }).format(day);
}
