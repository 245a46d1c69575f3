// What the answer pane shows of the pages that came: which views fit, which is chosen, the records over all pages.

import { computed, effect, signal } from "@preact/signals";

import { keep, recall } from "../keep.ts";
import { pages } from "../state.ts";
import type { Answer } from "../types";
import { chosenColumns, firstColumns, withColumns } from "./columns.ts";
import { jsonOf, rowsOf, type Row } from "./rows.ts";
import type { Sorting } from "./sort.ts";

export type ViewName = "table" | "tree" | "text" | "headers" | "picture";

/** The records of all pages; null: the answer is no list. A page that failed adds none. */
export const rows = computed<readonly Row[] | null>(() => {
  const found = pages.value.map(rowsOf).filter((list) => list !== null);
  if (found.length === 0) return null;
  return found.length === 1 ? found[0]! : found.flat();
});

/** The path that was asked, by which choices are kept. */
export const path = computed(() => pages.value[0]?.target.replace(/\?.*$/, "") ?? "");

/** Which page the views of one page show; null: the last one that holds something. */
const turned = signal<number | null>(null);
export const pageAt = computed(() => {
  const last = pages.value.length - 1;
  const filled = last > 0 && pages.value[last]!.count === 0 ? last - 1 : last;
  return Math.min(turned.value ?? filled, last);
});
export const page = computed<Answer | null>(() => pages.value[pageAt.value] ?? null);
export const turnTo = (at: number): void => void (turned.value = at);

export const views = computed<ViewName[]>(() => {
  const shown = page.value;
  if (!shown) return [];
  const fit: ViewName[] = [];
  if (rows.value) fit.push("table");
  if (jsonOf(shown) !== undefined) fit.push("tree");
  if (shown.text) fit.push("text");
  fit.push("headers");
  if (rows.value?.length) fit.push("picture");
  return fit;
});

/** The view that was chosen for a path; another path begins anew. */
const chosen = signal<{ path: string; view: ViewName } | null>(null);
export const chosenView = computed<ViewName>(() => {
  const { value } = chosen;
  const fit = views.value;
  return value && value.path === path.value && fit.includes(value.view) ? value.view : (fit[0] ?? "headers");
});
export const chooseView = (view: ViewName): void => void (chosen.value = { path: path.value, view });

export const sorting = signal<Sorting | null>(null);

const KEPT = "columns";
/** The columns chosen for this path in this page's life, read once from what the browser keeps. */
const choice = signal<{ path: string; columns: string[] | null }>({ path: "", columns: null });
effect(() => {
  const at = path.value;
  choice.value = { path: at, columns: at ? chosenColumns(recall(KEPT), at) : null };
  sorting.value = null;
  turned.value = null;
});

/** The columns that the table shows. Those of the first page decide at first, so that further ones move nothing. */
export const columns = computed<string[]>(() => {
  const kept = choice.value.columns;
  if (kept) return kept;
  const first = pages.value.map(rowsOf).find((list) => list !== null && list.length > 0);
  return first ? firstColumns(first) : [];
});

export function chooseColumns(names: string[] | null): void {
  keep(KEPT, withColumns(recall(KEPT), path.value, names));
  choice.value = { path: path.value, columns: names };
}
