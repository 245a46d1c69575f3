// Which request the answer is of: the one in the making may have become another since.

import { asked, composed, failed, pages } from "../state";
import { Method } from "../ui/badges";
import { readable, same } from "./asked.ts";

export function Asked() {
  const of = asked.value;
  const first = pages.value[0];
  if (!of || (!first && !failed.value)) return null;
  const { method, target } = first ?? { method: of.method, target: of.path };
  return (
    <p class="asked small">
      <Method name={method} /> <span class="mono" title={target}>{readable(target)}</span>
      {!same(of, composed.value) && (
        <span class="badge warn" title="The request was changed since: sending it brings another answer.">
          not the request as it is now
        </span>
      )}
    </p>
  );
}
