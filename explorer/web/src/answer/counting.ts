// How often each value occurs: what the picture of a result counts.

import { isNested, plain } from "./json.ts";
import { cell, type Row } from "./rows.ts";

const MOST = 30;
/** Fields that people ask about first. */
const FIRST = ["connection_status", "health_status", "firmware_version", "group", "type", "status", "severity"];

export interface Count {
  value: string;
  count: number;
}

/** How often each value of a field occurs, the most frequent first; null: more than 30 values, or nested ones. */
export function counts(rows: readonly Row[], field: string): Count[] | null {
  const found = new Map<string, number>();
  for (const row of rows) {
    const value = cell(row, field);
    // Each item of a list counts, as a device has several tags.
    const items = Array.isArray(value) && value.length ? value : [Array.isArray(value) ? "" : value];
    if (items.some(isNested)) return null;
    for (const text of items.map(plain)) {
      found.set(text, (found.get(text) ?? 0) + 1);
      if (found.size > MOST) return null;
    }
  }
  return [...found]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
}

/** The fields with 2 to 30 values, fewer than there are records; those people ask about first come first. */
export function countable(rows: readonly Row[], columns: readonly string[]): string[] {
  const fit = columns.filter((name) => {
    const found = counts(rows, name);
    return found !== null && found.length > 1 && found.length < rows.length;
  });
  const leading = FIRST.filter((name) => fit.includes(name));
  return [...leading, ...fit.filter((name) => !leading.includes(name))];
}
