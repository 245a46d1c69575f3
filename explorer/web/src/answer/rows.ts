// The records of an answer, whatever its form.

import { isNested, isObject, parse } from "./json.ts";

export type Row = Record<string, unknown>;

/** What a record holds in a column; undefined: nothing, also where every object has something of that name. */
export const cell = (row: Row, column: string): unknown => (Object.hasOwn(row, column) ? row[column] : undefined);

/** What is needed of an answer to find its records; `Answer` and `HistoryDetail` fit. */
export interface Bearing {
  kind: string;
  text: string | null;
  shortened: boolean;
  rows?: Row[] | null;
  items?: string | null;
}

interface Read {
  /** The JSON value; undefined where there is none. */
  value: unknown;
  rows: Row[] | null;
}

const read = new WeakMap<Bearing, Read>();

function reading(answer: Bearing): Read {
  let found = read.get(answer);
  if (!found) {
    const value = valueOf(answer);
    found = { value, rows: answer.rows ?? records(answer, value) };
    read.set(answer, found);
  }
  return found;
}

/** The answer's JSON, parsed once; undefined where it has none, or only the beginning of it. */
export const jsonOf = (answer: Bearing): unknown => reading(answer).value;

/** The answer's records; null where it is no list. */
export const rowsOf = (answer: Bearing): Row[] | null => reading(answer).rows;

function valueOf(answer: Bearing): unknown {
  if (answer.kind !== "json" || answer.text === null || answer.shortened) return undefined;
  try {
    return parse(answer.text);
  } catch {
    return undefined;
  }
}

function records(answer: Bearing, value: unknown): Row[] | null {
  if (answer.kind === "csv" && answer.text !== null && !answer.shortened) return csvRows(answer.text);
  const list = Array.isArray(value) ? value : isObject(value) ? listIn(value, answer.items ?? null) : null;
  return list && list.map((item) => (isObject(item) ? item : { value: item }));
}

/** What says where a page is in its list, in v1 and in the older API. */
const PAGING = new Set([
  ...["count", "size", "start", "cursor", "next_uri", "start_time", "end_time"],
  ...["resultSize", "requestedSize", "remainingSize", "resultTotalRows", "requestedStartRow", "pageCursor"],
]);

/** The list that the server named, else one with only paging data beside it; others belong to a record. */
function listIn(value: Row, named: string | null): unknown[] | null {
  for (const key of [named, "list", "items"]) {
    const found = key === null || !Object.hasOwn(value, key) ? null : value[key];
    if (Array.isArray(found)) return found;
  }
  const others = Object.entries(value).filter(([key]) => !PAGING.has(key));
  const list = others.length === 1 ? others[0]![1] : null;
  return Array.isArray(list) && list.some(isObject) ? list : null;
}

/** CSV (RFC 4180) whose first record names the columns. A cell past them is named by its number. */
export function csvRows(text: string): Row[] {
  const isFilled = (cells: string[]) => cells.length > 1 || cells[0] !== "";
  const all = csvRecords(text.replace(/^\uFEFF/, ""));
  const [names = [], ...rest] = all.slice(Math.max(0, all.findIndex(isFilled)));
  // In a CSV of one column an empty line is an empty cell.
  return rest
    .filter((cells) => names.length === 1 || isFilled(cells))
    .map((cells) => Object.fromEntries(cells.map((cell, at) => [names[at] ?? `column ${at + 1}`, cell])));
}

function csvRecords(text: string): string[][] {
  const records: string[][] = [];
  let cells: string[] = [];
  const cell = /(?:"([^"]*(?:""[^"]*)*)"?([^,\r\n]*)|([^,\r\n]*))(,|\r\n|\n|\r|$)/gy;
  while (cell.lastIndex < text.length) {
    const found = cell.exec(text);
    if (!found) break;
    cells.push(found[1] === undefined ? found[3]! : found[1].replaceAll('""', '"') + found[2]!);
    if (found[4] === ",") {
      if (cell.lastIndex === text.length) cells.push("");
      else continue;
    }
    records.push(cells);
    cells = [];
  }
  if (cells.length) records.push(cells);
  return records;
}

/** The names of all columns, in the order in which the records show them, and whether any holds something nested. */
export function columnsOf(rows: readonly Row[]): Map<string, { filled: number; nested: number }> {
  const columns = new Map<string, { filled: number; nested: number }>();
  for (const row of rows) {
    for (const key in row) {
      if (!Object.hasOwn(row, key)) continue;
      let column = columns.get(key);
      if (!column) columns.set(key, (column = { filled: 0, nested: 0 }));
      const value = row[key];
      if (value === null || value === undefined || value === "") continue;
      column.filled += 1;
      if (isNested(value)) column.nested += 1;
    }
  }
  return columns;
}
