// What the spec says of the request, and the address that will be asked. It never keeps anyone from sending.

import { takesQuery } from "./checking";
import { judged, unjudged } from "./recognise";
import { told } from "./told";

export function Verdict() {
  const found = judged.value;
  if (unjudged.value) return <p class="note bad">{unjudged.value.message}</p>;
  if (!found) return null;
  const { address } = found;
  const errors = told(found.errors, takesQuery.value);
  const warnings = told(found.warnings, takesQuery.value);
  return (
    <div class="stack verdict">
      {address !== null ? (
        <p class="small address">
          <span class="quiet">Asks</span> <code>{address}</code>
        </p>
      ) : (
        <p class="small quiet">It cannot be sent as it stands:</p>
      )}
      {(errors.length > 0 || warnings.length > 0) && (
        <ul class="stack" role="list" aria-label="What the spec says">
          {errors.map((text) => (
            <li key={text} class={address === null ? "note bad" : "note warn"}>
              {text}
            </li>
          ))}
          {warnings.map((text) => (
            <li key={text} class="note warn">
              {text}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
