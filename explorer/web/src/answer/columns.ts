// Which columns a table shows, and how wide they are. Choices are kept for each path.

import { isObject, plain } from "./json.ts";
import { cell, columnsOf, type Row } from "./rows.ts";

/** Names that say which record it is: they come first. */
const LEADING = ["name", "id", "timestamp", "value", "device_id", "stream_id", "type", "status"];
/** Names that people ask for first, wherever they stand. */
const ASKED = ["connection_status", "health_status", "firmware_version", "group", "last_update", "last_connect"];
const SHOWN = 12;
const PATHS = 100;

/** Every column, those first that say which record it is, then in the server's order. */
export function everyColumn(rows: readonly Row[]): string[] {
  return inOrder([...columnsOf(rows).keys()]);
}

function inOrder(names: string[]): string[] {
  const leading = LEADING.filter((name) => names.includes(name));
  return [...leading, ...names.filter((name) => !leading.includes(name))];
}

/** The columns that are shown before anybody chose: filled ones, plain values before nested ones and links. */
export function firstColumns(rows: readonly Row[]): string[] {
  const columns = columnsOf(rows);
  const names = inOrder([...columns.keys()]);
  const rank = (name: string) => {
    const { filled, nested } = columns.get(name)!;
    if (filled === 0) return 3;
    if (LEADING.includes(name) || ASKED.includes(name)) return 0;
    return nested * 2 > filled || name.endsWith("_uri") ? 2 : 1;
  };
  const best = names.map((name, at) => ({ name, at, rank: rank(name) }));
  best.sort((a, b) => a.rank - b.rank || a.at - b.at);
  const chosen = new Set(best.slice(0, SHOWN).map(({ name }) => name));
  return names.filter((name) => chosen.has(name));
}

/** The columns chosen for a path, of those that the browser kept; null: none were. */
export function chosenColumns(kept: string | null, path: string): string[] | null {
  const all = choices(kept);
  const found: unknown = Object.hasOwn(all, path) ? all[path] : null;
  return Array.isArray(found) && found.every((name) => typeof name === "string") ? found : null;
}

/** What the browser keeps after a choice for a path; null forgets it. Of many paths, the oldest goes. */
export function withColumns(kept: string | null, path: string, columns: readonly string[] | null): string {
  const others = Object.entries(choices(kept)).filter(([of]) => of !== path);
  const entries = columns ? [...others.slice(1 - PATHS), [path, columns]] : others;
  return JSON.stringify(Object.fromEntries(entries));
}

function choices(kept: string | null): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(kept ?? "{}");
    return isObject(found) ? found : {};
  } catch {
    return {};
  }
}

/** Widths in pixels, by the longest texts of the first records. */
export function widths(rows: readonly Row[], columns: readonly string[]): number[] {
  const sample = rows.slice(0, 60);
  return columns.map((name) => {
    const longest = sample.reduce((most, row) => Math.max(most, plain(cell(row, name)).length), name.length + 3);
    return Math.round(Math.min(Math.max(longest, 6), 40) * 8 + 20);
  });
}
