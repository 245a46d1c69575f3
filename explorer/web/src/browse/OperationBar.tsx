// What the request is of, above it, and the way to what the spec says about that.

import { operation } from "../state";
import { CertaintyBadge } from "../ui/badges";

export function OperationBar() {
  const of = operation.value;
  if (of === null) return null;
  const go = () => {
    const region = document.getElementById("documentation");
    region?.scrollIntoView({ block: "start" });
    region?.focus({ preventScroll: true });
  };
  return (
    <div class="operation-bar">
      <h2>{of.title || of.id}</h2>
      <CertaintyBadge of={of.certainty} />
      <button type="button" class="button plain small" onClick={go}>
        Documentation <span aria-hidden="true">↓</span>
      </button>
    </div>
  );
}
