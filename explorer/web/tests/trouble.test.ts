import assert from "node:assert/strict";
import { test } from "node:test";

import { hear } from "../src/shell/trouble.ts";
import { session, trouble } from "../src/state.ts";
import type { Problem, ProblemKind, Session } from "../src/types.ts";

const problem = (kind: ProblemKind): Problem => ({ kind, message: kind });

test("without a session the page is not there, whatever else is answered", () => {
  trouble.value = problem("transport");
  hear(null);
  assert.equal(trouble.value?.kind, "transport");
});

test("no session and no server are in the way until the server answers, whatever it says", () => {
  session.value = { writes: "free" } as Session;
  for (const kind of ["session", "unreachable"] as const) {
    for (const later of [null, problem("locked"), problem("confirm"), problem("transport"), problem("internal")]) {
      hear(problem(kind));
      assert.equal(trouble.value?.kind, kind);
      hear(later);
      assert.equal(trouble.value, null);
    }
  }
});

test("what was stopped in the page says nothing of the server", () => {
  hear(problem("unreachable"));
  hear(problem("aborted"));
  assert.equal(trouble.value?.kind, "unreachable");
  hear(null);
  hear(problem("aborted"));
  assert.equal(trouble.value, null);
});
