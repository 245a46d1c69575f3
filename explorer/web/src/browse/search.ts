// Search over paths, titles, documentation, fields and parameters. Knows nothing of the page.

import type { Catalog, Field, Operation } from "../types";

export interface Hit {
  operation: Operation;
  /** Higher is better; hits compare by it. */
  score: number;
  /** Where the words were found, unless the path or the title shows it: `field last_update (timestamp)`. */
  why: string[];
}

interface Found {
  score: number;
  why: string | null;
}

/** Where a word may be found, lower-cased once. */
interface Entry {
  operation: Operation;
  path: string;
  segments: readonly string[];
  title: string;
  client: string;
  params: readonly { name: string; shown: string; doc: string; weight: number }[];
  doc: string;
}

export type Search = (text: string) => Hit[];

/** A search over one catalogue: every word has to be found, best hits first. No words: no hits. */
export function searcher(catalog: Catalog): Search {
  const entries = catalog.groups.flatMap(({ categories }) =>
    categories.flatMap(({ operations }) => operations.map(entry)),
  );
  return (text) => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) return [];
    const tables = words.map((word) => catalog.field_tables.map((fields) => inFields(fields, word)));
    const hits = entries.flatMap((one) => {
      const found = words.map((word, index) => {
        const table = one.operation.fields;
        return best(one, word, table === null ? null : (tables[index]?.[table] ?? null));
      });
      return found.every((each) => each !== null) ? [hit(one.operation, found)] : [];
    });
    return hits.sort((a, b) => b.score - a.score);
  };
}

function hit(operation: Operation, found: readonly Found[]): Hit {
  return {
    operation,
    score: found.reduce((sum, { score }) => sum + score, 0),
    why: [...new Set(found.flatMap(({ why }) => why ?? []))],
  };
}

function entry(operation: Operation): Entry {
  const { id, title, client, doc, path_params, params, body } = operation;
  const named = (kind: string, weight: number) => (one: { name: string; doc: string }) => ({
    name: one.name.toLowerCase(),
    shown: `${kind} ${one.name}`,
    doc: one.doc.toLowerCase(),
    weight,
  });
  return {
    operation,
    path: id.toLowerCase(),
    segments: id.toLowerCase().split(/[\s/]+/),
    title: title.toLowerCase(),
    client: (client ?? "").toLowerCase(),
    params: [
      ...params.map(named("parameter", 7)),
      ...path_params.map(named("path value", 7)),
      ...(body?.fields ?? []).map(named("body field", 5)),
    ],
    doc: doc.toLowerCase(),
  };
}

function best(one: Entry, word: string, field: Found | null): Found | null {
  if (one.segments.includes(word)) return { score: 14, why: null };
  if (one.path.includes(word)) return { score: 10, why: null };
  if (one.title.includes(word)) return { score: 8, why: one.operation.title };
  if (one.client.includes(word)) return { score: 7, why: one.operation.client };
  const named = one.params.find(({ name }) => name === word) ?? one.params.find(({ name }) => name.includes(word));
  const param = named && { score: named.weight - (named.name === word ? 0 : 2), why: named.shown };
  if (param && param.score >= (field?.score ?? 0)) return param;
  if (field) return field;
  if (one.doc.includes(word)) return { score: 1, why: excerpt(one.operation.doc, word) };
  const told = one.params.find(({ doc }) => doc.includes(word));
  return told ? { score: 1, why: told.shown } : null;
}

function inFields(fields: readonly Field[], word: string): Found | null {
  const exact = fields.filter(({ name }) => name.toLowerCase() === word);
  if (exact.length > 0) return { score: 6, why: names(exact) };
  const part = fields.filter(({ name }) => name.toLowerCase().includes(word));
  if (part.length > 0) return { score: 4, why: names(part) };
  const typed = fields.filter(({ type }) => type.toLowerCase().startsWith(word));
  if (typed.length > 0) return { score: 2, why: names(typed) };
  const valued = fields.filter(({ values }) => values.some((value) => value.toLowerCase() === word));
  return valued.length > 0 ? { score: 2, why: `${names(valued)}: ${word}` } : null;
}

function names(fields: readonly Field[]): string {
  const [first, second] = fields;
  if (!first) return "";
  if (!second) return `field ${first.name} (${first.type})`;
  const more = fields.length - 2;
  return `fields ${first.name}, ${second.name}${more > 0 ? ` and ${more} more` : ""}`;
}

/** The word with what stands around it, in whole words. */
export function excerpt(text: string, word: string, around = 28): string {
  const at = text.toLowerCase().indexOf(word);
  if (at < 0) return "";
  const from = at <= around ? 0 : Math.max(text.lastIndexOf(" ", at - around) + 1, at - 2 * around);
  const space = text.indexOf(" ", at + word.length + around);
  const to = Math.min(space < 0 ? text.length : space, at + word.length + 2 * around);
  return `${from > 0 ? "… " : ""}${text.slice(from, to).replace(/\s+/g, " ")}${to < text.length ? " …" : ""}`;
}
