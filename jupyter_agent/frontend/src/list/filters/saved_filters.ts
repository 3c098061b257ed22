/** Views of a list that the user saved, in this browser, and the view in a page's address. */

import { readStored, writeStored } from "../../dom/storage.js";
import { GROUPINGS, type ListView, PLAIN_VIEW, SORTS } from "./arrange.js";

const KEY = "jupyter-agent filters";
/** Followed by the name of a list. */
const VIEW_KEY = "jupyter-agent view of ";

export interface SavedFilter extends ListView {
  readonly name: string;
}

/** Return the saved views; none where the browser keeps nothing for this page. */
export function savedFilters(): SavedFilter[] {
  const found = readStored(KEY);
  if (!Array.isArray(found)) return [];
  return found.flatMap((one: unknown) => {
    const { name } = Object(one) as { name?: unknown };
    return typeof name === "string" && name ? [{ ...viewOf(Object(one) as object), name }] : [];
  });
}

/** Save a view, in place of one of the same name. */
export function saveFilter(filter: SavedFilter): void {
  write([...savedFilters().filter(({ name }) => name !== filter.name), filter]);
}

export function deleteFilter(name: string): void {
  write(savedFilters().filter((one) => one.name !== name));
}

/** Call `changed` when another page of this browser has saved or deleted one. Returns a function that ends this. */
export function watchFilters(changed: () => void): () => void {
  const onStorage = ({ key }: StorageEvent) => key === KEY && changed();
  window.addEventListener("storage", onStorage);
  return () => window.removeEventListener("storage", onStorage);
}

/** Return the view in the address's query. */
export function viewInAddress(search: string): ListView {
  const { q: query, sort, group } = Object.fromEntries(new URLSearchParams(search));
  return viewOf({ query, sort: sort?.replace(/^-/, ""), reversed: sort?.startsWith("-"), group });
}

/** Return the address's query with a view in place of the one that it has. */
export function withView(search: string, { query, sort, reversed, group }: ListView): string {
  const params = new URLSearchParams(search);
  const parts = { q: query, sort: (reversed ? "-" : "") + sort, group };
  for (const [name, value] of Object.entries(parts)) {
    if (value) params.set(name, value);
    else params.delete(name);
  }
  const text = String(params);
  return text && `?${text}`;
}

/** Return the part of the address's query that is the view's. */
export function withoutOthers(search: string): URLSearchParams {
  return new URLSearchParams(withView("", viewInAddress(search)));
}

/** Return the order and the groups that a list had last; `list`: the name under which it keeps them. */
export function keptView(list: string): ListView {
  return { ...viewOf(Object(readStored(VIEW_KEY + list)) as object), query: "" };
}

/** Keep the order and the groups of a list. */
export function keepView(list: string, { sort, reversed, group }: ListView): void {
  writeStored(VIEW_KEY + list, { sort, reversed, group });
}

function write(filters: readonly SavedFilter[]): void {
  writeStored(KEY, filters);
}

function viewOf(found: object): ListView {
  const { query, sort, reversed, group } = found as Record<string, unknown>;
  return {
    query: typeof query === "string" ? query : PLAIN_VIEW.query,
    sort: SORTS.find((one) => one === sort) ?? PLAIN_VIEW.sort,
    reversed: reversed === true,
    group: GROUPINGS.find((one) => one === group) ?? PLAIN_VIEW.group,
  };
}
