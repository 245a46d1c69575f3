// The records as a picture, each with its words: how many of what, where, and how over time.

import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";

import { Tabs, TabPanel } from "../ui/Tabs";
import { everyColumn } from "./columns.ts";
import { countable } from "./counting.ts";
import { Counts } from "./Counts";
import { Positions } from "./Positions";
import { Line } from "./Line";
import { places } from "./places.ts";
import { rows as records } from "./result";
import { seriesOf } from "./series.ts";

type PictureName = "counts" | "places" | "line";
const chosen = signal<PictureName | null>(null);

export function Picture() {
  const rows = records.value ?? [];
  const fields = useMemo(() => countable(rows, everyColumn(rows)), [rows]);
  const found = useMemo(() => places(rows), [rows]);
  const series = useMemo(() => seriesOf(rows), [rows]);

  const fit: { id: PictureName; title: string }[] = [];
  if (series.length) fit.push({ id: "line", title: "Over time" });
  if (fields.length) fit.push({ id: "counts", title: "Counts" });
  if (found.length) fit.push({ id: "places", title: "Places" });
  const first = fit[0];
  if (!first) {
    return <p class="empty">Nothing here to draw: no field with a few values, no positions, no values over time.</p>;
  }
  const shown = fit.find(({ id }) => id === chosen.value) ?? first;
  return (
    <div class="picture">
      <Tabs name="picture" label="Picture of" tabs={fit} chosen={shown.id} onChoose={(id) => (chosen.value = id)} />
      <TabPanel name="picture" tab={shown.id} class="picture-panel scroller">
        {shown.id === "counts" && <Counts rows={rows} fields={fields} />}
        {shown.id === "places" && <Positions places={found} of={rows.length} />}
        {shown.id === "line" && <Line series={series} />}
      </TabPanel>
    </div>
  );
}
