// What each call to the local server tells of the whole page.

import { trouble } from "../state.ts";
import type { Problem } from "../types";

/** `problem`: why a call failed; null: it did not. */
export function hear(problem: Problem | null): void {
  if (problem?.kind === "session" || problem?.kind === "unreachable") trouble.value = problem;
  // Whatever else is wrong, the server says so. Of what was stopped here nobody knows.
  else if (problem?.kind !== "aborted") trouble.value = null;
}
