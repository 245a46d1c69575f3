// What the spec says of the request, and the address that will be asked. It never keeps anyone from sending.

import { readable } from "../answer/asked.ts";
import { judged, unjudged } from "./recognise";

export function Verdict() {
  const found = judged.value;
  if (unjudged.value) return <p class="note bad">{unjudged.value.message}</p>;
  if (!found) return null;
  const { address, errors, warnings } = found;
  return (
    <div class="stack verdict">
      {address !== null ? (
        <p class="small address">
          <span class="quiet">Asks</span> <code title={address}>{readable(address)}</code>
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
