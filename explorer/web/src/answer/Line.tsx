// The values of a stream over time, drawn by uPlot, and told in words and a table.

import { signal } from "@preact/signals";
import { useId, useMemo } from "preact/hooks";

import { lazy } from "../ui/lazy";
import { rounded, stretches, summary, type Series } from "./series.ts";
import { many } from "./words.ts";

const Chart = lazy<{ series: Series; label: string }>(() => import("./Chart").then((found) => found.Chart));

const chosen = signal("");
const moment = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" });
const time = (at: number) => `${moment.format(at)} UTC`;

export function Line({ series }: { series: readonly Series[] }) {
  const id = useId();
  const shown = series.find(({ name }) => name === chosen.value) ?? series[0]!;
  const all = useMemo(() => summary(shown), [shown]);
  const parts = useMemo(() => stretches(shown), [shown]);
  const told =
    `${many(all.count, "value")} from ${time(all.from)} to ${time(all.to)}: lowest ${rounded(all.lowest)}, ` +
    `highest ${rounded(all.highest)}, mean ${rounded(all.mean)}, last ${rounded(all.last)}.`;
  return (
    <figure class="stack">
      {series.length > 1 && (
        <div class="row">
          <label for={id}>Stream</label>
          <select
            id={id}
            class="select mono"
            value={shown.name}
            onChange={(event) => (chosen.value = event.currentTarget.value)}
          >
            {series.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </div>
      )}
      <figcaption>
        <strong class="mono">{shown.name}</strong>: {told}
        {shown.left > 0 && ` ${many(shown.left, "record")} without a number or a time left out.`}
      </figcaption>
      <Chart series={shown} label={`${shown.name} over time: ${told}`} />
      <details>
        <summary>The same as a table</summary>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col" class="numeric">Values</th>
              <th scope="col" class="numeric">Lowest</th>
              <th scope="col" class="numeric">Mean</th>
              <th scope="col" class="numeric">Highest</th>
            </tr>
          </thead>
          <tbody>
            {parts.map((part) => (
              <tr key={part.from}>
                <th scope="row">{time(part.from)}</th>
                <td class="numeric">{part.count}</td>
                <td class="numeric">{rounded(part.lowest)}</td>
                <td class="numeric">{rounded(part.mean)}</td>
                <td class="numeric">{rounded(part.highest)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}
