// What the page asks for when it opens, and again when the local server comes back.

import { signal } from "@preact/signals";

import { api, listen, Trouble } from "../api";
import { catalog, examples, session, trouble } from "../state";
import { loadAhead } from "../ui/lazy";

const IN_THE_WAY = new Set(["session", "unreachable"]);

/** Why the catalogue or the examples are missing; null: they are there, or on their way. */
export const failures = signal<{ catalog: string | null; examples: string | null }>({ catalog: null, examples: null });

/** Ask for the session at once, for the rest once something is to be seen. */
export function start(): void {
  listen((problem) => {
    if (problem === null) trouble.value = null;
    else if (IN_THE_WAY.has(problem.kind)) trouble.value = problem;
  });
  void load();
  // Another tab may have opened the new link, whose cookie counts here too.
  window.addEventListener("focus", () => {
    if (trouble.peek() !== null) void load();
  });
}

/** Ask for all that is missing, and for the session anew. What fails is told by `trouble` and `failures`. */
export async function load(): Promise<void> {
  failures.value = { catalog: null, examples: null };
  try {
    session.value = await api.session();
  } catch (error) {
    trouble.value = error instanceof Trouble ? error.problem : { kind: "internal", message: String(error) };
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

/** Look at the gauge again; where that fails, the last reading stays. */
export async function readGauge(): Promise<void> {
  try {
    const gauge = await api.gauge();
    const now = session.peek();
    if (now) session.value = { ...now, gauge };
  } catch (error) {
    // What is in the way of the whole page was told already.
    if (!(error instanceof Trouble)) throw error;
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
