// Paths: the placeholders of one, and which of the catalogue's paths fit what was typed.

import type { Catalog } from "../types";

/** The names of a path's placeholders in order: `{id}` and `{name:.+}` are `id` and `name`. */
export function placeholders(path: string): string[] {
  const names: string[] = [];
  for (let start = path.indexOf("{"); start >= 0; start = path.indexOf("{", start)) {
    const end = closing(path, start);
    if (end < 0) break;
    const name = path.slice(start + 1, end).split(":")[0]!.trim();
    if (name && !names.includes(name)) names.push(name);
    start = end;
  }
  return names;
}

/** A pattern behind `:` may hold braces of its own. */
function closing(path: string, start: number): number {
  let depth = 0;
  for (let at = start; at < path.length; at++) {
    if (path[at] === "{") depth++;
    if (path[at] === "}" && --depth === 0) return at;
  }
  return -1;
}

/** A path of the catalogue, and the methods that it takes. */
export interface KnownPath {
  path: string;
  methods: string[];
  title: string;
}

export function knownPaths(catalog: Catalog | null): KnownPath[] {
  const found = new Map<string, KnownPath>();
  for (const group of catalog?.groups ?? []) {
    for (const category of group.categories) {
      for (const { path, method, title } of category.operations) {
        const known = found.get(path);
        if (!known) found.set(path, { path, methods: [method], title });
        else if (!known.methods.includes(method)) known.methods.push(method);
      }
    }
  }
  return [...found.values()];
}

/** The paths that hold every word of a text, those that begin with it first. */
export function fitting(paths: readonly KnownPath[], typed: string, limit = 50): KnownPath[] {
  const text = typed.trim().toLowerCase();
  const words = text.split(/\s+/);
  const ranked: [number, KnownPath][] = [];
  for (const known of paths) {
    const path = known.path.toLowerCase();
    if (path.startsWith(text)) ranked.push([0, known]);
    else if (words.every((word) => path.includes(word))) ranked.push([1, known]);
  }
  return ranked
    .sort(([a, one], [b, other]) => a - b || (one.path < other.path ? -1 : 1))
    .slice(0, limit)
    .map(([, known]) => known);
}

/** Whether a path is one of those that take queries in the query language. */
export function isV1(path: string): boolean {
  return /^\/?(?:ws\/)?v1(?:\/|$)/.test(path);
}
