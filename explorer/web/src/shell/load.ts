// What the page asks for when it opens, and again when the local server comes back.

import { signal } from "@preact/signals";

import { api, listen, problemOf, Trouble } from "../api";
import { catalog, examples, session, trouble } from "../state";
import { loadAhead } from "../ui/lazy";
import { hear } from "./trouble";

/** Why the catalogue or the examples are missing; null: they are there, or on their way. */
export const failures = signal<{ catalog: string | null; examples: string | null }>({ catalog: null, examples: null });

/** Ask for the session at once, for the rest once something is to be seen. */
export function start(): void {
  listen(hear);
  void load();
  // Another tab may have opened the new link, whose cookie counts here too, or have allowed writes.
  window.addEventListener("focus", () => void (trouble.peek() === null && session.peek() ? refresh() : load()));
}

/** Ask for all that is missing, and for the session anew. What fails is told by `trouble` and `failures`. */
export async function load(): Promise<void> {
  failures.value = { catalog: null, examples: null };
  try {
    session.value = await api.session();
    trouble.value = null;
  } catch (error) {
    trouble.value = problemOf(error);
    return;
  }
  await painted();
  const [spec, some] = await Promise.allSettled([
    catalog.peek() ?? api.catalog().then((found) => (catalog.value = found)),
    examples.peek().length > 0 || api.examples().then((found) => (examples.value = found)),
  ]);
  failures.value = { catalog: why(spec), examples: why(some) };
  if (session.peek()?.gauge === null) await readGauge();
  await loadAhead();
}

/** Look at the session again: it may have been changed in another tab. */
async function refresh(): Promise<void> {
  const before = session.peek();
  const now = await quietly(api.session);
  // What was changed here meanwhile is newer.
  if (now && session.peek() === before) session.value = { ...now, gauge: now.gauge ?? before?.gauge ?? null };
}

/** Look at the gauge again; where that fails, the last reading stays. */
export async function readGauge(): Promise<void> {
  const gauge = await quietly(api.gauge);
  const now = session.peek();
  if (now && gauge !== undefined) session.value = { ...now, gauge };
}

/** undefined: it failed, and what is in the way of the whole page was told already. */
async function quietly<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    return undefined;
  }
}

function why(result: PromiseSettledResult<unknown>): string | null {
  if (result.status === "fulfilled") return null;
  return result.reason instanceof Error ? result.reason.message : String(result.reason);
}

function painted(): Promise<void> {
  return new Promise((done) => {
    // A hidden tab paints nothing, and loads all the same.
    if (document.hidden) done();
    else requestAnimationFrame(() => setTimeout(done));
  });
}
