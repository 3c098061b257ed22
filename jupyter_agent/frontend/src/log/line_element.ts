/** The element of one line: its number and time, its text with colours, links and marks, or a heading. */

import type { Line } from "../model/log/line.js";
import { classesOf, type Run } from "../model/log/styles.js";
import { loggerOf } from "./line_layout.js";

/** Pairs of the first index and one past the last. */
export type Marks = readonly (readonly [number, number])[];

/** How lines look, in one view, at one time. */
export interface Look {
  /** Changes when anything of it does. */
  readonly version: string;
  marksOf(text: string): Marks;
  /** Return when a line was written, as it is shown before it; empty for not at all. */
  timeOf(line: Line): string;
  /** Return what is said of a line where its number is pointed at. */
  titleOf(line: Line): string;
  addressOf(number: number): string;
  /** Return what a heading says beside its own text. */
  detailOf(line: Line): string;
  isFolded(heading: Line): boolean;
  isCurrent(line: Line): boolean;
}

const drawn = new WeakMap<HTMLElement, { line: Line; version: string }>();
const LINKS = /\bhttps?:\/\/[^\s<>"'`\\^{|}]+/g;
/** What ends a sentence and not an address. */
const AFTER_LINK = ".,;:!?)]";

/** Draw a line into an element, unless it is there. */
export function drawLine(element: HTMLElement, line: Line, look: Look): void {
  const before = drawn.get(element);
  if (before?.line === line && before.version === look.version) return;
  drawn.set(element, { line, version: look.version });
  element.className = "ja-line";
  element.dataset.kind = line.kind;
  element.toggleAttribute("data-current", look.isCurrent(line));
  if (line.kind === "attempt" || line.kind === "section") element.replaceChildren(...heading(line, look));
  else
    element.replaceChildren(
      ...gutter(line, look),
      ...logger(line),
      ...content(line, look.marksOf(line.text)),
    );
}

function heading(line: Line, look: Look): Node[] {
  const button = document.createElement("button");
  [button.type, button.className, button.textContent] = ["button", "ja-fold", line.text];
  button.setAttribute("aria-expanded", String(!look.isFolded(line)));
  const detail = document.createElement("span");
  detail.className = "ja-detail";
  detail.textContent = detail.title = look.detailOf(line);
  return detail.textContent ? [button, detail] : [button];
}

/** What stands before the text is drawn by the style sheet: it is not copied with the text. */
function gutter(line: Line, look: Look): Node[] {
  const parts: Node[] = [];
  if (line.number !== null) {
    const link = document.createElement("a");
    [link.className, link.href, link.tabIndex] = ["ja-number", look.addressOf(line.number), -1];
    link.dataset.number = String(line.number);
    link.setAttribute("aria-label", `Line ${line.number}`);
    link.title = look.titleOf(line);
    parts.push(link);
  }
  const time = look.timeOf(line);
  if (time) parts.push(before("ja-at", time));
  return parts;
}

function logger(line: Line): Node[] {
  const name = loggerOf(line);
  return name ? [before("ja-logger", `${name}: `)] : [];
}

function before(name: string, text: string): HTMLElement {
  const span = document.createElement("span");
  span.className = name;
  span.dataset.text = text;
  return span;
}

/** Return where addresses are in a text. */
export function linksIn(text: string): [number, number][] {
  if (!text.includes("://")) return [];
  return [...text.matchAll(LINKS)].map((found) => {
    let { length } = found[0];
    while (AFTER_LINK.includes(found[0][length - 1]!)) length -= 1; // a pattern takes the square of the length
    return [found.index, found.index + length];
  });
}

function content({ text, runs = [] }: Line, marks: Marks): (Node | string)[] {
  const links = linksIn(text);
  if (runs.length + marks.length + links.length === 0) return [text];
  const cuts = [0, text.length, ...[...runs, ...marks, ...links].flatMap(([from, to]) => [from, to])];
  const places = [...new Set(cuts)].sort((one, other) => one - other);
  const nodes: (Node | string)[] = [];
  let link: { from: number; element: HTMLElement } | null = null;
  places.slice(0, -1).forEach((from, at) => {
    const piece = styled(
      text.slice(from, places[at + 1]),
      covering(runs, from)?.[2],
      covering(marks, from) !== undefined,
    );
    const address = covering(links, from);
    if (!address) return nodes.push(piece);
    if (link?.from !== address[0]) {
      link = { from: address[0], element: linkTo(text.slice(...address)) };
      nodes.push(link.element);
    }
    link.element.append(piece);
    return undefined;
  });
  return nodes;
}

function covering<Range extends Run | readonly [number, number]>(
  ranges: readonly Range[],
  at: number,
): Range | undefined {
  return ranges.find(([from, to]) => from <= at && at < to);
}

function styled(text: string, style: string | undefined, isMarked: boolean): Node | string {
  const classes = style ? classesOf(style) : "";
  if (!classes && !isMarked) return text;
  const element = document.createElement(isMarked ? "mark" : "span");
  element.className = classes;
  element.textContent = text;
  return element;
}

function linkTo(address: string): HTMLElement {
  const link = document.createElement("a");
  [link.className, link.href, link.target, link.rel] = [
    "ja-address",
    address,
    "_blank",
    "noopener noreferrer",
  ];
  return link;
}
