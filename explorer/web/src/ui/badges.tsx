// Small marks that say by words what they say by colour.

import type { Certainty } from "../types";

/** An HTTP method; its colour only helps, the word is always there. */
export function Method({ name }: { name: string }) {
  return <span class={`method method-${name.toLowerCase()}`}>{name}</span>;
}

const MEANS: Record<Certainty, string> = {
  recorded: "seen in an answer of the service",
  documented: "told by the vendor's documents",
  inferred: "concluded from what similar paths do",
};

/** How sure the spec is of an entry. */
export function CertaintyBadge({ of }: { of: Certainty | null }) {
  return of === null ? null : (
    <span class={`badge certainty-${of}`} title={MEANS[of]}>
      {of}
    </span>
  );
}
