// A JSON value as the rows of a tree: only what is open is listed, and long lists come in chunks.

import { isNested, plain } from "./json.ts";

export const CHUNK = 100;

export interface Node {
  /** Where it is: the keys from the root, as JSON. Chunks of a list add their range. */
  id: string;
  key: string;
  /** What a closed or plain value shows. */
  text: string;
  kind: "object" | "array" | "chunk" | "string" | "number" | "boolean" | "null";
  level: number;
  /** null: nothing to open. */
  open: boolean | null;
  position: number;
  of: number;
  parent: string | null;
  value: unknown;
}

type Way = readonly (string | number)[];
const idOf = (way: Way): string => JSON.stringify(way);
export const ROOT = idOf([]);

/** The rows to show, from the root on, when the nodes with these ids are open. */
export function listed(root: unknown, open: ReadonlySet<string>, name = "body"): Node[] {
  const rows: Node[] = [];
  add(rows, root, { way: [], key: name, level: 1, position: 1, of: 1, parent: null }, open);
  return rows;
}

interface Place {
  way: Way;
  key: string;
  level: number;
  position: number;
  of: number;
  parent: string | null;
}

function add(rows: Node[], value: unknown, place: Place, open: ReadonlySet<string>): void {
  const { way, key, level, position, of, parent } = place;
  const id = idOf(way);
  const size = Array.isArray(value) ? value.length : isNested(value) ? Object.keys(value).length : 0;
  const isOpen = isNested(value) && size > 0 ? open.has(id) : null;
  const [text, kind] = [shown(value, size), kindOf(value)];
  rows.push({ id, key, text, kind, level, open: isOpen, position, of, parent, value });
  if (!isOpen) return;
  if (Array.isArray(value)) {
    if (value.length > CHUNK) addChunks(rows, value, { way, level: level + 1, parent: id }, open);
    else addItems(rows, value, 0, value.length, { way, level: level + 1, parent: id }, open);
    return;
  }
  const keys = Object.keys(value as object);
  keys.forEach((name, at) => {
    const child = (value as Record<string, unknown>)[name];
    const next = { way: [...way, name], key: name, level: level + 1, position: at + 1, of: keys.length, parent: id };
    add(rows, child, next, open);
  });
}

type Within = Pick<Place, "way" | "level"> & { parent: string };

function addItems(rows: Node[], list: unknown[], from: number, to: number, within: Within, open: ReadonlySet<string>) {
  for (let at = from; at < to; at += 1) {
    const place = { ...within, way: [...within.way, at], key: String(at), position: at - from + 1, of: to - from };
    add(rows, list[at], place, open);
  }
}

function addChunks(rows: Node[], list: unknown[], within: Within, open: ReadonlySet<string>) {
  const { level, way, parent } = within;
  const of = Math.ceil(list.length / CHUNK);
  for (let number = 0; number < of; number += 1) {
    const [from, to] = [number * CHUNK, Math.min((number + 1) * CHUNK, list.length)];
    const id = `${idOf(way)}${from}…`;
    const isOpen = open.has(id);
    const key = `${from} … ${to - 1}`;
    const value = undefined;
    rows.push({ id, key, text: "", kind: "chunk", level, open: isOpen, position: number + 1, of, parent, value });
    if (isOpen) addItems(rows, list, from, to, { way, level: level + 1, parent: id }, open);
  }
}

function kindOf(value: unknown): Node["kind"] {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "array";
  if (isNested(value)) return "object";
  if (typeof value === "string") return "string";
  return typeof value === "boolean" ? "boolean" : "number";
}

function shown(value: unknown, size: number): string {
  if (Array.isArray(value)) return size === 1 ? "[1 item]" : `[${size} items]`;
  if (isNested(value)) return size === 1 ? "{1 key}" : `{${size} keys}`;
  if (value === null || value === undefined) return "null";
  return typeof value === "string" ? JSON.stringify(value) : plain(value);
}

/** What is open at first: the root, its first list, and that list's first chunk and record. */
export function firstOpen(root: unknown): Set<string> {
  const open = new Set([ROOT]);
  if (Array.isArray(root)) {
    if (root.length > CHUNK) open.add(`${ROOT}0…`);
    if (isNested(root[0])) open.add(idOf([0]));
    return open;
  }
  if (!isNested(root)) return open;
  for (const [key, value] of Object.entries(root)) {
    if (!isNested(value)) continue;
    open.add(idOf([key]));
    if (Array.isArray(value)) {
      if (value.length > CHUNK) open.add(`${idOf([key])}0…`);
      open.add(idOf([key, 0]));
      break;
    }
  }
  return open;
}

/** A tree's own keys (WAI-ARIA): where the focus goes, and which node opens or shuts. null: not one of them. */
export function move(
  rows: readonly Node[],
  at: number,
  key: string,
): { at: number; toggle?: string } | null {
  const node = rows[at];
  if (!node) return null;
  switch (key) {
    case "ArrowDown":
      return { at: Math.min(at + 1, rows.length - 1) };
    case "ArrowUp":
      return { at: Math.max(at - 1, 0) };
    case "PageDown":
      return { at: Math.min(at + 15, rows.length - 1) };
    case "PageUp":
      return { at: Math.max(at - 15, 0) };
    case "Home":
      return { at: 0 };
    case "End":
      return { at: rows.length - 1 };
    case "ArrowRight":
      if (node.open === false) return { at, toggle: node.id };
      return { at: node.open ? Math.min(at + 1, rows.length - 1) : at };
    case "ArrowLeft": {
      if (node.open) return { at, toggle: node.id };
      const parent = rows.findIndex(({ id }) => id === node.parent);
      return { at: parent < 0 ? at : parent };
    }
    case "Enter":
    case " ":
      return node.open === null ? { at } : { at, toggle: node.id };
    default:
      return null;
  }
}
