// Search among the examples. Knows nothing of the page.

import type { Example } from "../types";

/** The examples that have every word in title, text, group or request; those with all of them in the title first. */
export function findExamples(examples: readonly Example[], text: string): Example[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const within = (where: string) => words.every((word) => where.includes(word));
  const found = examples.filter((one) => within(textOf(one)));
  const titled = found.filter(({ title }) => within(title.toLowerCase()));
  return [...titled, ...found.filter((one) => !titled.includes(one))];
}

function textOf({ title, doc, group, operation, request: { path, params } }: Example): string {
  const asked = params.map(({ name, value }) => `${name}=${value}`);
  return [title, doc, group, operation, path, ...asked].join("\n").toLowerCase();
}
