// The fields that a query may name, with what can be asked of each.

import { useState } from "preact/hooks";

import type { Certainty, Field } from "../types";
import { CertaintyBadge } from "../ui/badges";

/** From so many on it is worth looking for one. */
const MANY = 12;

export function FieldsTable({ fields }: { fields: readonly Field[] }) {
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const shown = wanted
    ? fields.filter(({ name, type }) => name.toLowerCase().includes(wanted) || type.toLowerCase().includes(wanted))
    : fields;
  const usual = most(fields);
  return (
    <section aria-label="Query fields">
      <div class="doc-head">
        <h3>
          Query fields <span class="quiet">{fields.length}</span> <CertaintyBadge of={usual} />
        </h3>
        {fields.length >= MANY && (
          <input
            class="input field-filter"
            type="search"
            aria-label="Filter the fields"
            placeholder="Filter"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        )}
      </div>
      <div class="scroller" tabIndex={0} role="region" aria-label="Table of the query fields">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Type</th>
              <th scope="col">Operators</th>
              <th scope="col">orderby</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((field) => (
              <tr key={field.name}>
                <td>
                  <span class="mono">{field.name}</span>{" "}
                  {field.certainty !== usual && <CertaintyBadge of={field.certainty} />}
                  {field.values.length > 0 && <Values all={field.values} />}
                </td>
                <td class="quiet">{field.type}</td>
                <td class="mono operators">{field.operators.join(" ")}</td>
                <td>{field.orderby ? "yes" : <span class="quiet">no</span>}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {shown.length === 0 && <p class="empty">No field of that name or type.</p>}
      </div>
    </section>
  );
}

/** What most fields are: said once, and at those that are something else. */
function most(fields: readonly Field[]): Certainty | null {
  const counts = [...Map.groupBy(fields, ({ certainty }) => certainty)].map(([of, some]) => [of, some.length] as const);
  return counts.sort((a, b) => b[1] - a[1])[0]?.[0] ?? null;
}

function Values({ all }: { all: readonly string[] }) {
  return <div class="values quiet">{all.map((value) => `'${value}'`).join(" · ")}</div>;
}
