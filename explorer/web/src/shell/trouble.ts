// What each call to the local server tells of the whole page.

import { session, trouble } from "../state.ts";
import type { Problem } from "../types";

/** `problem`: why a call failed; null: it did not. */
export function hear(problem: Problem | null): void {
  if (problem?.kind === "session" || problem?.kind === "unreachable") trouble.value = problem;
  // Whatever else is wrong, the server says so. Of what was stopped here nobody knows, and without a session the page
  // is not there yet.
  else if (problem?.kind !== "aborted" && session.peek() !== null) trouble.value = null;
}
