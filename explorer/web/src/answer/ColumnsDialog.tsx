// Which columns the table shows.

import { useMemo } from "preact/hooks";

import { Dialog } from "../ui/Dialog";
import { everyColumn } from "./columns.ts";
import { chooseColumns, columns, path, rows } from "./result";

export function ColumnsDialog({ onClose }: { onClose: () => void }) {
  const shown = columns.value;
  const every = useMemo(() => [...new Set([...everyColumn(rows.value ?? []), ...shown])], [rows.value]);

  function toggle(name: string, on: boolean): void {
    chooseColumns(every.filter((one) => (one === name ? on : shown.includes(one))));
  }

  const buttons = (
    <>
      <button type="button" class="button" onClick={() => chooseColumns(every)}>
        All
      </button>
      <button type="button" class="button" onClick={() => chooseColumns(null)}>
        As at first
      </button>
      <button type="button" class="button primary" onClick={onClose}>
        Done
      </button>
    </>
  );
  return (
    <Dialog title="Columns" onClose={onClose} foot={buttons} wide>
      <p class="quiet">
        Kept in this browser for <code>{path.value}</code>.
      </p>
      <div class="column-choices" role="group" aria-label="Columns shown">
        {every.map((name) => (
          <label class="choice" key={name}>
            <input
              type="checkbox"
              checked={shown.includes(name)}
              onChange={(event) => toggle(name, event.currentTarget.checked)}
            />
            <span class="mono">{name}</span>
          </label>
        ))}
      </div>
    </Dialog>
  );
}
