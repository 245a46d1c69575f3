// How many records have which value of a field: a table whose bars are drawn beside the numbers.

import { signal } from "@preact/signals";
import { useId, useMemo } from "preact/hooks";

import { counts } from "./counting.ts";
import type { Row } from "./rows.ts";
import { many } from "./words.ts";

const chosen = signal("");

export function Counts({ rows, fields }: { rows: readonly Row[]; fields: readonly string[] }) {
  const id = useId();
  const field = fields.includes(chosen.value) ? chosen.value : fields[0]!;
  const found = useMemo(() => counts(rows, field) ?? [], [rows, field]);
  const most = Math.max(...found.map(({ count }) => count), 1);
  return (
    <div class="stack">
      <div class="row">
        <label for={id}>Count by</label>
        <select
          id={id}
          class="select mono"
          value={field}
          onChange={(event) => (chosen.value = event.currentTarget.value)}
        >
          {fields.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </div>
      <table class="table bars">
        <caption>
          {many(rows.length, "record")} by <code>{field}</code>
        </caption>
        <thead>
          <tr>
            <th scope="col">Value</th>
            <th scope="col" class="numeric">
              Records
            </th>
            <th scope="col">Share</th>
          </tr>
        </thead>
        <tbody>
          {found.map(({ value, count }) => (
            <tr key={value}>
              <th scope="row">{value || <em class="quiet">empty</em>}</th>
              <td class="numeric">{count.toLocaleString("en")}</td>
              <td>
                <div class="bar">
                  <div style={{ width: `${(count / most) * 100}%` }} />
                  <span>{percent(count / rows.length)}</span>
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function percent(share: number): string {
  const value = share * 100;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} %`;
}
