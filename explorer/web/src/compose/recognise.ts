// What the spec says of the request in the making: of which operation it is, and what of it is odd or wrong.

import { batch, effect, signal, untracked } from "@preact/signals";

import { api } from "../api.ts";
import { Latest } from "../latest.ts";
import { catalog, composed, operation, operations } from "../state.ts";
import type { Composed, Judged, Operation, Problem } from "../types";
import { refit } from "./refit.ts";

export const judged = signal<Judged | null>(null);
/** Why nothing is said; null: something is. */
export const unjudged = signal<Problem | null>(null);

/** Milliseconds without a keystroke: faults of the query are told at once, by a question of their own. */
const PAUSE = 200;
/** Characters of a body that are sent along. */
const LONGEST = 100_000;

/** Follow the request until the function that is returned is called. */
export function recognising(): () => void {
  const latest = new Latest();
  const stopPath = effect(() => {
    const { method, path } = composed.value;
    const known = operations.value;
    untracked(() => {
      // An operation that was picked stays as long as the request is of its path: SCI has many of one path.
      if (isOf(operation.value, method, path)) return;
      const exact = known.get(`${method} ${path}`);
      if (exact) become(exact);
    });
  });
  const stopJudge = effect(() => {
    const request = composed.value;
    if (catalog.value === null) return;
    latest.ask(
      (signal) => api.judge(brief(request), signal),
      (found) =>
        batch(() => {
          judged.value = found;
          unjudged.value = null;
          const { method, path } = request;
          if (!isOf(operation.value, method, path)) become(operations.value.get(found.operation ?? "") ?? null);
        }),
      (problem) => (unjudged.value = problem),
      PAUSE,
    );
  });
  return () => {
    stopPath();
    stopJudge();
    latest.stop();
  };
}

function isOf(one: Operation | null, method: string, path: string): boolean {
  return one !== null && one.method === method && one.path === path;
}

function become(next: Operation | null): void {
  const before = operation.peek();
  if (before === next) return;
  batch(() => {
    // A request that came as a whole, by a link or from the history, is not added to: it is what was sent.
    if (before) composed.value = refit(composed.peek(), before, next);
    operation.value = next;
  });
}

/** A long body plays no part in what the spec says. */
function brief(request: Composed): Composed {
  return request.body.length > LONGEST ? { ...request, body: " " } : request;
}
