// The request in the making as a tab of the browser keeps it, over a reload.

import type { Composed } from "./types";

const KEPT = "digirm.composed";
/** Headers that are credentials stay in the page alone. */
const CREDENTIAL = /authorization|cookie|api[-_]?key|token|secret|password/i;

/** null: none is kept, or it cannot be read. */
export function recalled(): Partial<Composed> | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "null") as Partial<Composed> | null;
  } catch {
    return null;
  }
}

export function keep(request: Composed): void {
  const headers = request.headers.filter(({ name }) => !CREDENTIAL.test(name));
  try {
    // What cannot be kept must not leave a former request behind.
    sessionStorage.removeItem(KEPT);
    sessionStorage.setItem(KEPT, JSON.stringify({ ...request, headers }));
  } catch {
    // Too long, or not allowed: it stays in the page.
  }
}
