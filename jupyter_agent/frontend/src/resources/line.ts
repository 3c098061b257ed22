/** What a task's processes use: one quiet line, asked of the server every two seconds while it is in sight. */

import { formatSize } from "../model/format.js";
import type { Server } from "../net/server.js";
import { SystemPanel } from "./system_panel.js";

/** Milliseconds between two requests. */
const INTERVAL = 2000;
/** Values of the curve, at least and at most: fewer are a stray stroke. */
const [MIN_VALUES, MAX_VALUES] = [5, 30];
const [WIDTH, HEIGHT] = [64, 14];

/** What the server answers; `scope`: whose the values are. */
export interface Resources {
  scope: "task" | "kernel" | "process" | null;
  processes: number;
  values: Record<string, number>;
}

/** The attempt of a task that is watched, and the box of its *System* panel. */
export interface Subject {
  readonly id: string;
  readonly attempt: number;
  readonly box: HTMLElement;
}

/** Show in `place` what the task uses, until the function that is returned is called, or nothing can be known. A press
 * of it opens the *System* panel; while that is open, and only in sight, it gets the values too. */
export function watchResources(
  place: HTMLElement,
  server: Server,
  { id, attempt, box }: Subject,
): () => void {
  const path = `tasks/${encodeURIComponent(id)}/resources`;
  const history: number[] = [];
  let last: Resources | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;
  const look = async (): Promise<void> => {
    const found = document.hidden ? undefined : await read(server, path);
    if (isStopped) return;
    if (found === null) return stop();
    if (found) draw(place, (last = found), history);
    if (found) addTo(SystemPanel.in(box), found, attempt);
    timer = setTimeout(() => void look(), INTERVAL);
  };
  const follow = () => place.setAttribute("aria-expanded", String(SystemPanel.in(box) !== null));
  const toggle = () => {
    const panel = SystemPanel.in(box);
    if (panel) panel.close();
    else if (last) addTo(new SystemPanel(box, server, id, () => (follow(), place.focus())), last, attempt);
    follow();
  };
  const stop = () => {
    isStopped = true;
    clearTimeout(timer);
    place.removeEventListener("click", toggle);
    clear(place);
    SystemPanel.in(box)?.say("not measured now");
  };
  place.addEventListener("click", toggle);
  follow();
  void look();
  return stop;
}

function addTo(panel: SystemPanel | null, found: Resources, attempt: number): void {
  panel?.add(found.values, attempt, Date.now() / 1000);
  panel?.say(found.scope === "task" || found.scope === null ? "" : `of the whole ${found.scope}`);
}

/** Return the values; null: there are none, and will be none for this attempt; undefined: not now. */
async function read(server: Server, path: string): Promise<Resources | null | undefined> {
  const response = await server.fetch(path).catch(() => undefined);
  if (!response?.ok) return response && response.status < 500 ? null : undefined;
  const found = await (response.json() as Promise<Resources>).catch(() => undefined);
  if (!found) return undefined;
  return Object.keys(found.values).length > 0 ? found : null;
}

/** Return the line, as "kernel's CPU 142% · 1.2 GiB · GPU 87%, 3.1 GiB". */
export function resourcesText({ scope, values }: Resources): string {
  const percent = (value: number | undefined) => (value === undefined ? "" : `${Math.round(value)}%`);
  const bytes = (value: number | undefined) => (value === undefined ? "" : formatSize(value));
  const gpu = [percent(values["sys/gpu"]), bytes(values["sys/gpu_memory"])].filter(Boolean).join(", ");
  const parts = [
    values["sys/cpu"] === undefined ? "" : `CPU ${percent(values["sys/cpu"])}`,
    bytes(values["sys/memory"]),
    gpu && `GPU ${gpu}`,
  ];
  const whose = scope === "task" || scope === null ? "" : `${scope}'s `;
  return whose + parts.filter(Boolean).join(" · ");
}

/** Return the points of a polyline from nothing up to the highest value; of too few values, none. */
export function curve(values: readonly number[]): string {
  if (values.length < MIN_VALUES) return "";
  const highest = Math.max(...values, 1);
  const x = (at: number) => ((at / (MAX_VALUES - 1)) * (WIDTH - 2) + 1).toFixed(1);
  const y = (value: number) => (HEIGHT - 1 - (value / highest) * (HEIGHT - 2)).toFixed(1);
  return values.map((value, at) => `${x(at)},${y(value)}`).join(" ");
}

function draw(place: HTMLElement, found: Resources, history: number[]): void {
  history.push(found.values["sys/cpu"] ?? 0);
  if (history.length > MAX_VALUES) history.shift();
  const text = resourcesText(found);
  if (!place.firstChild) place.append(picture(), document.createElement("span"));
  place.querySelector("polyline")!.setAttribute("points", curve(history));
  place.lastElementChild!.textContent = text;
  place.title = titleOf(found);
  place.hidden = false;
}

function titleOf({ scope, processes }: Resources): string {
  const whose = scope === "task" ? "this task's" : `the whole ${scope}'s`;
  const count = processes === 1 ? "process" : `${processes} processes`;
  return `What ${whose} ${count} use now: CPU in percent of one processor (100% is one of them, busy), memory, GPU. Press to see them as curves`;
}

function picture(): SVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({ width: WIDTH, height: HEIGHT, "aria-hidden": "true" }))
    svg.setAttribute(name, String(value));
  svg.append(document.createElementNS(svg.namespaceURI, "polyline"));
  return svg;
}

function clear(place: HTMLElement): void {
  place.hidden = true;
  place.replaceChildren();
}
