// Sorting records by a column: numbers by size, texts as people order them, empty ones last in either direction.

import { Exact, isNested, plain } from "./json.ts";
import { cell, type Row } from "./rows.ts";

export interface Sorting {
  column: string;
  down: boolean;
}

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "variant" });

type Key = { number: number; exact: string | null } | { text: string } | null;

function keyOf(value: unknown): Key {
  if (value === null || value === undefined || value === "") return null;
  if (typeof value === "number") return { number: value, exact: null };
  if (value instanceof Exact) return { number: Number(value.source), exact: value.source };
  return { text: typeof value === "string" ? value : isNested(value) ? plain(value) : String(value) };
}

function compare(a: Key, b: Key): number {
  if (a === null || b === null) return 0;
  if ("text" in a) return "text" in b ? collator.compare(a.text, b.text) : 1;
  if ("text" in b) return -1;
  if (a.number !== b.number || (!a.exact && !b.exact)) return a.number - b.number;
  return digits(a.exact ?? String(a.number), b.exact ?? String(b.number));
}

/** Numbers that are one double, told apart by their digits. */
function digits(a: string, b: string): number {
  if (!/^-?\d+$/.test(a) || !/^-?\d+$/.test(b)) return collator.compare(a, b);
  const [left, right] = [BigInt(a), BigInt(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The records in another order; those that are equal stay as they were. */
export function sorted(rows: readonly Row[], sorting: Sorting | null): readonly Row[] {
  if (!sorting) return rows;
  const keyed = rows.map((row) => ({ row, key: keyOf(cell(row, sorting.column)) }));
  const sign = sorting.down ? -1 : 1;
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) return Number(a.key === null) - Number(b.key === null);
    return sign * compare(a.key, b.key);
  });
  return keyed.map(({ row }) => row);
}

/** A press on a column's head: upwards, downwards, as it came. */
export function pressed(sorting: Sorting | null, column: string): Sorting | null {
  if (sorting?.column !== column) return { column, down: false };
  return sorting.down ? null : { column, down: true };
}
