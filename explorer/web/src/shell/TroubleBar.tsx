// What is in the way of the whole page, told without taking anything away.

import { useState } from "preact/hooks";

import { trouble } from "../state";
import type { ProblemKind } from "../types";
import { load } from "./load";

const SAYS: Partial<Record<ProblemKind, string>> = {
  session: "This page has no session.",
  unreachable: "No connection.",
};

export function TroubleBar() {
  const [busy, setBusy] = useState(false);
  const problem = trouble.value;
  if (problem === null) return null;
  const again = async () => {
    setBusy(true);
    await load();
    setBusy(false);
  };
  return (
    <div role="alert" class="trouble note bad">
      <p>
        <strong>{SAYS[problem.kind] ?? "Something is wrong."}</strong> {problem.message.replace(/[.\s]*$/, ".")}{" "}
        {problem.kind === "session" && "What you typed stays here."}
      </p>
      <button type="button" class="button small" aria-disabled={busy} onClick={() => busy || void again()}>
        {busy ? "Trying…" : "Try again"}
      </button>
    </div>
  );
}
