// The query's faults and meaning, asked at each keystroke. All of it is the local server's: the page knows no query.

import { computed, effect, signal } from "@preact/signals";

import { api } from "../api";
import type { QueryParameter } from "../editor/query";
import { Newest } from "../latest";
import { composed, operation } from "../state";
import type { Checked, Diagnostic, Problem } from "../types";
import { announce } from "../ui/announce";
import { isV1 } from "./path";

type Name = QueryParameter | "size";
const NAMES: readonly Name[] = ["query", "orderby", "fields", "size"];
/** Milliseconds after which a pause in typing is long enough to be spoken into. */
const PAUSE = 900;

/** What is asked; null: the request takes no query. */
export interface Asked {
  endpoint: string | null;
  texts: Partial<Record<Name, string>>;
}

/** The last answer, and the question that it answers. */
export const checked = signal<{ asked: Asked; result: Checked } | null>(null);
export const unchecked = signal<Problem | null>(null);

/** What is to be asked of the request as it stands, as text: the same text is the same question. */
const question = computed(() => {
  const of = operation.value;
  const { params, path } = composed.value;
  if (of ? of.endpoint === null : !isV1(path)) return null;
  const texts: Asked["texts"] = {};
  for (const { name, value, on } of params) {
    if (on && isName(name) && texts[name] === undefined) texts[name] = value;
  }
  // Of a path that nobody knows the syntax can be told where there is a query, and no more.
  if (!of && Object.keys(texts).length === 0) return null;
  return JSON.stringify({ endpoint: of?.endpoint ?? null, texts } satisfies Asked);
});

/** Whether `query`, `orderby` and `fields` are of the query language here. */
export const takesQuery = computed(() => question.value !== null);

/** The faults that were found in a parameter's text. */
export function faultsOf(name: Name, answer: typeof checked.value): { text: string; found: Diagnostic[] } {
  const found = answer?.result.diagnostics.filter(({ parameter }) => parameter === name) ?? [];
  return { text: answer?.asked.texts[name] ?? "", found };
}

/** Follow the request until the function that is returned is called. */
export function checking(): () => void {
  const newest = new Newest();
  let timer = 0;
  const stop = effect(() => {
    const text = question.value;
    window.clearTimeout(timer);
    if (text === null) {
      newest.stop();
      checked.value = null;
      unchecked.value = null;
      return;
    }
    const asked = JSON.parse(text) as Asked;
    newest.ask(
      (signal) => api.check({ endpoint: asked.endpoint, ...asked.texts }, signal),
      (result) => {
        const before = checked.peek()?.result.diagnostics.length ?? 0;
        checked.value = { asked, result };
        unchecked.value = null;
        window.clearTimeout(timer);
        timer = window.setTimeout(() => tell(before, result), PAUSE);
      },
      (problem) => (unchecked.value = problem),
    );
  });
  return () => {
    stop();
    window.clearTimeout(timer);
    newest.stop();
  };
}

function tell(before: number, { diagnostics }: Checked): void {
  const count = diagnostics.length;
  if (count > 0) announce(count === 1 ? `A fault: ${diagnostics[0]!.message}` : `${count} faults`);
  else if (before > 0) announce("No faults");
}

function isName(name: string): name is Name {
  return (NAMES as readonly string[]).includes(name);
}
