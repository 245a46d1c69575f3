// The records as a grid (WAI-ARIA): arrows walk from cell to cell, Enter sorts or shows a value whole.

import { useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import { announce } from "../ui/announce";
import { isNested, plain } from "./json.ts";
import { widths } from "./columns.ts";
import { columns as chosenColumns, rows as records, sorting } from "./result";
import { cell, type Row } from "./rows.ts";
import { pressed, sorted } from "./sort.ts";
import { useVirtual } from "./virtual.ts";
import { Whole } from "./Whole";

const HEIGHT = 27;
const HEAD = 30;
const NUMBERS = 56;

/** Row -1 is the head, column -1 the records' numbers. */
interface Place {
  row: number;
  column: number;
}

export function Table() {
  const all = records.value ?? [];
  const columns = chosenColumns.value;
  const order = sorting.value;
  const rows = useMemo(() => sorted(all, order), [all, order]);
  // Further pages move nothing: they come after the first records.
  const wide = useMemo(() => widths(all, columns), [all[0], columns]);
  const [at, setAt] = useState<Place>({ row: 0, column: 0 });
  const [whole, setWhole] = useState<{ title: string; value: unknown } | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const walked = useRef(false);
  const id = useId();
  const list = useVirtual(rows.length, HEIGHT, scroller, HEAD);
  const items = list.getVirtualItems();
  const first = items[0];
  const last = items.at(-1);

  const cellId = (row: number, column: number) => `${id}-${row}-${column}`;
  const inSight = at.row < 0 || items.some(({ index }) => index === at.row);

  useLayoutEffect(() => {
    // A cell far away is there only after the list has scrolled.
    const cell = walked.current ? document.getElementById(cellId(at.row, at.column)) : null;
    if (!cell) return;
    walked.current = false;
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  });

  function sort(column: string): void {
    sorting.value = pressed(sorting.value, column);
    const now = sorting.value;
    announce(now ? `Sorted by ${column}, ${now.down ? "descending" : "ascending"}` : "In the order of the answer");
  }

  function act({ row, column }: Place): void {
    const name = columns[column];
    if (row < 0) {
      if (name !== undefined) sort(name);
      return;
    }
    const record = rows[row];
    if (!record) return;
    if (name === undefined) setWhole({ title: `Record ${row + 1}`, value: record });
    else setWhole({ title: `${name} of record ${row + 1}`, value: cell(record, name) });
  }

  function onKey(event: KeyboardEvent): void {
    if (event.altKey || event.target !== event.currentTarget) return;
    const to = step(event, at, rows.length, columns.length);
    if (to) {
      event.preventDefault();
      walked.current = true;
      setAt(to);
      if (to.row >= 0) list.scrollToIndex(to.row, { align: "auto" });
    } else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === " ") {
      event.preventDefault();
      act(at);
    }
  }

  if (columns.length === 0) return <p class="empty">{all.length ? "No column is chosen." : "No records."}</p>;
  const marked = (row: number, column: number) => (at.row === row && at.column === column ? "active" : "");
  return (
    <>
      <div class="grid-scroller scroller" ref={scroller}>
        <table
          class="grid"
          role="grid"
          aria-label="Records"
          aria-rowcount={rows.length + 1}
          aria-colcount={columns.length + 1}
          aria-activedescendant={inSight ? cellId(at.row, at.column) : undefined}
          tabIndex={0}
          style={{ width: `${wide.reduce((sum, width) => sum + width, NUMBERS)}px` }}
          onKeyDown={onKey}
        >
          <colgroup>
            <col style={{ width: `${NUMBERS}px` }} />
            {columns.map((name, column) => (
              <col key={name} style={{ width: `${wide[column] ?? 120}px` }} />
            ))}
          </colgroup>
          <thead>
            <tr aria-rowindex={1}>
              <th scope="col" id={cellId(-1, -1)} class={`number ${marked(-1, -1)}`}>
                <abbr title="Number">#</abbr>
              </th>
              {columns.map((name, column) => {
                const direction = order?.column !== name ? "none" : order.down ? "descending" : "ascending";
                return (
                  <th
                    key={name}
                    scope="col"
                    id={cellId(-1, column)}
                    class={marked(-1, column)}
                    aria-sort={direction}
                    title={name}
                  >
                    <button type="button" tabIndex={-1} onClick={() => sort(name)}>
                      <span>{name}</span>
                      <span aria-hidden="true">{{ none: "", ascending: "▲", descending: "▼" }[direction]}</span>
                    </button>
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            <Gap height={(first?.start ?? HEAD) - HEAD} columns={columns.length + 1} />
            {items.map(({ index }) => {
              const row = rows[index];
              if (!row) return null;
              return (
                <tr
                  key={index}
                  aria-rowindex={index + 2}
                  class={index % 2 ? "odd" : ""}
                  onClick={(event) => {
                    const at = (event.target as HTMLElement).closest("td");
                    if (at) setAt({ row: index, column: at.cellIndex - 1 });
                  }}
                >
                  <td id={cellId(index, -1)} class={`number ${marked(index, -1)}`}>
                    <button
                      type="button"
                      tabIndex={-1}
                      aria-label={`Record ${index + 1}`}
                      onClick={() => act({ row: index, column: -1 })}
                    >
                      {index + 1}
                    </button>
                  </td>
                  {columns.map((name, column) => (
                    <td
                      key={name}
                      id={cellId(index, column)}
                      class={`${kind(row, name)} ${marked(index, column)}`}
                      onDblClick={() => act({ row: index, column })}
                    >
                      <Cell value={cell(row, name)} onOpen={() => act({ row: index, column })} />
                    </td>
                  ))}
                </tr>
              );
            })}
            <Gap height={list.getTotalSize() - (last?.end ?? HEAD)} columns={columns.length + 1} />
          </tbody>
        </table>
      </div>
      {whole && <Whole title={whole.title} value={whole.value} onClose={() => setWhole(null)} />}
    </>
  );
}

/** Where a key leads; null: it does not. */
function step(event: KeyboardEvent, { row, column }: Place, rows: number, columns: number): Place | null {
  const far = event.ctrlKey || event.metaKey;
  const within = (value: number, most: number) => Math.max(-1, Math.min(value, most - 1));
  switch (event.key) {
    case "ArrowDown":
      return { row: within(row + 1, rows), column };
    case "ArrowUp":
      return { row: within(row - 1, rows), column };
    case "ArrowRight":
      return { row, column: within(column + 1, columns) };
    case "ArrowLeft":
      return { row, column: within(column - 1, columns) };
    case "PageDown":
      return { row: within(row + 15, rows), column };
    case "PageUp":
      return { row: Math.max(Math.min(row, 0), row - 15), column };
    case "Home":
      return far ? { row: within(0, rows), column: -1 } : { row, column: -1 };
    case "End":
      return { row: far ? rows - 1 : row, column: columns - 1 };
    default:
      return null;
  }
}

function kind(row: Row, name: string): string {
  const value = cell(row, name);
  return typeof value === "number" ? "numeric" : isNested(value) ? "nested" : "";
}

/** A short form; what is nested opens whole. */
function Cell({ value, onOpen }: { value: unknown; onOpen: () => void }) {
  if (value === null || value === undefined) return null;
  const text = plain(value);
  const short = text.length > 120 ? `${text.slice(0, 120)}…` : text;
  if (!isNested(value)) return <>{short}</>;
  return (
    <button type="button" tabIndex={-1} onClick={onOpen}>
      {short}
    </button>
  );
}

/** The room of the rows that are not in the page. */
function Gap({ height, columns }: { height: number; columns: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden="true" class="gap">
      <td colSpan={columns} style={{ height: `${height}px` }} />
    </tr>
  );
}
