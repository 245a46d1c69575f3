// Further pages, columns, downloads.

import { useState } from "preact/hooks";

import { remembered, sendAll, sendNext } from "../sending";
import { answer, pages, sending } from "../state";
import type { Answer } from "../types";
import { MenuButton } from "../ui/MenuButton";
import { ColumnsDialog } from "./ColumnsDialog";
import { chosenView, page, pageAt, rows, turnTo } from "./result";
import { downloads } from "./saving";

export function Tools() {
  const [choosing, setChoosing] = useState(false);
  const busy = sending.value !== null;
  const more = answer.value?.next != null;
  const shown = page.value;
  const all = pages.value;
  const onePage = chosenView.value !== "table" && chosenView.value !== "picture";
  // The history keeps the first page only.
  const items = (of: Answer) => downloads(rows.value, of, pageAt.value, remembered.value?.pages ?? all.length);
  return (
    <div class="answer-tools row">
      {(more || all.length > 1) && (
        <>
          <button type="button" class="button small" disabled={!more || busy} onClick={() => void sendNext()}>
            Next page
          </button>
          <button type="button" class="button small" disabled={!more || busy} onClick={() => void sendAll()}>
            All pages
          </button>
        </>
      )}
      {onePage && all.length > 1 && (
        <label class="row">
          Page
          <select
            class="select"
            value={String(pageAt.value)}
            onChange={(event) => turnTo(Number(event.currentTarget.value))}
          >
            {all.map((one, at) => (
              <option key={one.id} value={String(at)}>
                {at + 1}
              </option>
            ))}
          </select>
        </label>
      )}
      <span class="spread" />
      {chosenView.value === "table" && (
        <button type="button" class="button small" onClick={() => setChoosing(true)}>
          Columns
        </button>
      )}
      {shown && <MenuButton label="Download" class="button small" items={items(shown)} />}
      {choosing && <ColumnsDialog onClose={() => setChoosing(false)} />}
    </div>
  );
}
