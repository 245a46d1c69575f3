// Records as files.

import { plain } from "./json.ts";
import { everyColumn } from "./columns.ts";
import { cell, type Row } from "./rows.ts";

/** Throws a RangeError, as the next does, for records nested deeper than the stack. */
export const asJson = (rows: readonly Row[]): string => `${JSON.stringify(rows, null, 2)}\n`;

export const asJsonLines = (rows: readonly Row[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

/** CSV by RFC 4180, with a line of names; nested values as JSON. */
export function asCsv(rows: readonly Row[], columns: readonly string[] = everyColumn(rows)): string {
  const lines = [columns.map(written)];
  for (const row of rows) lines.push(columns.map((name) => written(cell(row, name))));
  return lines.map((cells) => `${cells.join(",")}\r\n`).join("");
}

/** A text that a spreadsheet would run as a formula gets an apostrophe before it; numbers are left as they are. */
function written(value: unknown): string {
  const text = plain(value);
  const formula = typeof value === "string" && /^[=+\-@\t\r]/.test(text) && !/^[-+]?\d+(\.\d+)?$/.test(text);
  const safe = formula ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** What saves the body as the service sent it: of one page, where there are several. */
export const asItCame = (at: number, pages: number): string =>
  pages > 1 ? `As it came (page ${at + 1} of ${pages})` : "As it came";

/** A file's name from the path: `/ws/v1/devices/inventory?size=5` → `devices-inventory.csv`. */
export function fileName(target: string, ending: string): string {
  const path = target.replace(/[?#].*$/, "").replace(/^\/ws(\/v1)?/, "");
  const name = path.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[-.]+|[-.]+$/g, "");
  return `${name.slice(0, 80) || "answer"}.${ending}`;
}
